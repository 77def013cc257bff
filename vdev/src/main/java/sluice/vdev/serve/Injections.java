package sluice.vdev.serve;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;
import sluice.vdev.device.StrayRead;

/**
 * Faults to inject, from the command line: {@code KIND[,KEY=VALUE...]}, in QEMU's option syntax.
 *
 * @param space rules of the device's own address space
 * @param front rules for the VM's IOMMU as the device sees it
 * @param stray an address that the device reads although it was not passed to it, or null
 */
public record Injections(List<Rule> space, List<Rule> front, @Nullable StrayRead stray) {
    public static final Injections NONE = new Injections(List.of(), List.of(), null);

    private static final long MAX_DELAY_MILLIS = 2000;

    public Injections {
        space = List.copyOf(space);
        front = List.copyOf(front);
    }

    /** @throws IllegalArgumentException with one sentence, if one of them is invalid */
    static Injections parse(List<String> texts) {
        List<Rule> space = new ArrayList<>();
        List<Rule> front = new ArrayList<>();
        StrayRead stray = null;
        Set<String> given = new HashSet<>();
        for (String text : texts) {
            if (!given.add(text)) throw new IllegalArgumentException("--inject=%s is given twice".formatted(text));
            Fault fault = new Fault(text);
            String name = "--inject=" + text;
            switch (fault.kind) {
                case "deny" -> space.add(new Rule.Deny(name, fault.range(), fault.access(), fault.occurrences()));
                case "delay" -> space.add(new Rule.Delay(name, fault.range(), fault.access(), fault.occurrences(),
                        Duration.ofMillis(fault.millis())));
                case "poison" -> space.add(new Rule.Poison(name, fault.range()));
                case "fail-map" -> space.add(
                        new Rule.FailMap(name, fault.occurrences(),
                                (int) Math.min(fault.number("after", 0L), 1 << 20)));
                case "drop-invalidation" ->
                    front.add(new Rule.DropInvalidation(name, fault.range(), fault.occurrences()));
                case "stray-read" -> {
                    if (stray != null) throw new IllegalArgumentException(name + ": only one stray-read is possible");
                    stray = new StrayRead(fault.number("address", null), fault.number("from", 1L));
                }
                default -> throw new IllegalArgumentException(
                        "%s: unknown fault; give deny, delay, poison, fail-map, drop-invalidation or stray-read"
                                .formatted(name));
            }
            fault.requireAllUsed();
        }
        return new Injections(space, front, stray);
    }

    /** One parsed text; keys are removed when they are used. */
    private static final class Fault {
        private final String text;
        private final String kind;
        private final Map<String, String> values = new HashMap<>();

        Fault(String text) {
            this.text = text;
            String[] words = text.split(",", -1);
            kind = words[0];
            for (String word : Arrays.asList(words).subList(1, words.length)) {
                int equals = word.indexOf('=');
                if (equals < 1 || values.put(word.substring(0, equals), word.substring(equals + 1)) != null) {
                    throw wrong("\"%s\" is not KEY=VALUE, or is given twice".formatted(word));
                }
            }
        }

        private IllegalArgumentException wrong(String why) {
            return new IllegalArgumentException("--inject=%s: %s".formatted(text, why));
        }

        /** An unsigned number, with 0x a hexadecimal one; without a default it must be there. */
        long number(String key, @Nullable Long otherwise) {
            String value = values.remove(key);
            if (value == null) {
                if (otherwise == null) throw wrong(key + "= is missing");
                return otherwise;
            }
            try {
                return value.startsWith("0x")
                        ? Long.parseUnsignedLong(value.substring(2), 16)
                        : Long.parseUnsignedLong(value);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("--inject=%s: %s=%s is not a number".formatted(text, key, value), e);
            }
        }

        long millis() {
            long millis = number("ms", null);
            if (Long.compareUnsigned(millis, MAX_DELAY_MILLIS) > 0) {
                throw wrong("ms=%s is too long: give at most %d, because QEMU waits 5 s for an answer".formatted(
                        Long.toUnsignedString(millis), MAX_DELAY_MILLIS));
            }
            return millis;
        }

        AddressRange range() {
            return new AddressRange(number("first", 0L), number("last", -1L));
        }

        Occurrences occurrences() {
            return new Occurrences(number("from", 1L), number("count", Long.MAX_VALUE));
        }

        @Nullable
        Access access() {
            String value = values.remove("access");
            if (value == null) return null;
            return switch (value) {
                case "read" -> Access.READ;
                case "write" -> Access.WRITE;
                default -> throw wrong("access=%s is neither read nor write".formatted(value));
            };
        }

        void requireAllUsed() {
            if (!values.isEmpty()) throw wrong("%s has no %s=".formatted(kind, values.keySet().iterator().next()));
        }
    }
}
