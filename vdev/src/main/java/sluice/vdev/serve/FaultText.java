package sluice.vdev.serve;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.injection.Occurrences;
import sluice.vdev.host.HostFault;
import sluice.vdev.plugin.FaultKind;

/** One parsed {@code KIND,KEY=VALUE,...}; keys are removed when used. {@link FaultKind} defines the grammar. */
final class FaultText {
    private static final long MAX_DELAY_MILLIS = 2000;
    private static final int MOST_BYTES = 65_536;
    /** Most vectors of MSI-X. */
    private static final int MOST_VECTORS = 2048;
    /** MAX_ERRNO of the kernel's include/linux/err.h. */
    private static final int MOST_ERRNO = 4095;

    private final String text;
    private final FaultKind kind;
    private final Map<String, String> values = new HashMap<>();

    /** @throws IllegalArgumentException with one sentence, if it is invalid */
    FaultText(String given) {
        String[] words = given.split(",", -1);
        List<String> pairs = Arrays.asList(words).subList(1, words.length);
        boolean byChance = pairs.stream().anyMatch(word -> word.startsWith("one-in="));
        boolean seeded = pairs.stream().anyMatch(word -> word.startsWith("seed="));
        long seed = ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE);
        // The name allows the faults to be repeated.
        text = byChance && !seeded ? given + ",seed=" + seed : given;
        kind = kind(words[0]);
        for (String word : pairs) {
            int equals = word.indexOf('=');
            if (equals < 1 || values.put(word.substring(0, equals), word.substring(equals + 1)) != null) {
                throw wrong("\"%s\" is not KEY=VALUE, or is given twice".formatted(word));
            }
        }
        if (byChance) values.putIfAbsent("seed", Long.toString(seed));
    }

    private FaultKind kind(String word) {
        for (FaultKind known : FaultKind.values()) {
            if (known.word().equals(word)) return known;
        }
        throw wrong(word.equals("move")
                ? "not supported: the buffers of a served device are pages of its guest, which only the guest moves; give revoke"
                : "unknown fault; give one of " + FaultKind.words());
    }

    private IllegalArgumentException wrong(String why) {
        return new IllegalArgumentException("--inject=%s: %s".formatted(text, why));
    }

    FaultKind kind() {
        return kind;
    }

    /** Unique in its device, and valid as an option. */
    String name() {
        return "--inject=" + text;
    }

    /** An unsigned number, with 0x a hexadecimal one; without a default it must be there. */
    long number(String key, @Nullable Long otherwise) {
        String value = values.remove(key);
        if (value == null) {
            if (otherwise == null) throw wrong(key + "= is missing");
            return otherwise;
        }
        return parsed(key, value);
    }

    private long parsed(String key, String value) {
        try {
            return value.startsWith("0x")
                    ? Long.parseUnsignedLong(value.substring(2), 16)
                    : Long.parseUnsignedLong(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--inject=%s: %s=%s is not a number".formatted(text, key, value), e);
        }
    }

    Duration delay() {
        long millis = number("ms", null);
        if (Long.compareUnsigned(millis, MAX_DELAY_MILLIS) > 0) {
            throw wrong("ms=%s is too long: give at most %d, because QEMU waits 5 s for an answer".formatted(
                    Long.toUnsignedString(millis), MAX_DELAY_MILLIS));
        }
        return Duration.ofMillis(millis);
    }

    AddressRange range() {
        return new AddressRange(number("first", 0L), number("last", -1L));
    }

    Occurrences occurrences() {
        boolean byChance = values.containsKey("one-in");
        return new Occurrences(number("from", 1L), number("count", Long.MAX_VALUE), number("every", 1L),
                number("one-in", 1L), byChance ? number("seed", 0L) : 0);
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

    /** Missing or additional bytes. */
    long bytes() {
        long bytes = number("bytes", null);
        if (bytes < 1 || bytes > MOST_BYTES)
            throw wrong("bytes=%s: give 1 to %d".formatted(Long.toUnsignedString(bytes), MOST_BYTES));
        return bytes;
    }

    int vector() {
        String value = values.remove("vector");
        if (value == null) return HostFault.ANY;
        if (value.equals("line")) return HostFault.LINE;
        long vector = parsed("vector", value);
        if (vector < 0 || vector >= MOST_VECTORS)
            throw wrong("vector=%s: give 0 to %d, or line".formatted(value, MOST_VECTORS - 1));
        return (int) vector;
    }

    int errno(int otherwise) {
        String value = values.remove("errno");
        if (value == null) return otherwise;
        int named = Errno.number(value);
        if (named > 0) return named;
        if (!value.isEmpty() && Character.isDigit(value.charAt(0))) {
            long number = parsed("errno", value);
            if (number >= 1 && number <= MOST_ERRNO) return (int) number;
        }
        throw wrong("errno=%s: give a name such as ENOSPC, or a number from 1 to %d".formatted(value, MOST_ERRNO));
    }

    /** The number of runs before the failure. */
    int runs() {
        long runs = number("after", 0L);
        return Long.compareUnsigned(runs, 1 << 20) > 0 ? 1 << 20 : (int) runs;
    }

    void requireAllUsed() {
        if (!values.isEmpty()) throw wrong("%s has no %s=".formatted(kind.word(), values.keySet().iterator().next()));
    }
}
