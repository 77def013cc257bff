package sluice.vdev.serve;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.iommu.injection.Rule;
import sluice.vdev.device.StrayRead;
import sluice.vdev.host.HostFault;
import sluice.vdev.plugin.FaultKind;

/**
 * Faults to inject, from the command line: {@code KIND[,KEY=VALUE...]}, in QEMU's option syntax. {@link FaultKind} is the grammar.
 *
 * @param space rules of the device's own address space
 * @param front rules for the VM's IOMMU as the device sees it
 * @param host faults between the device and its machine
 * @param stray an address that the device reads although it was not passed to it, or null
 */
public record Injections(List<Rule> space, List<Rule> front, List<HostFault> host, @Nullable StrayRead stray) {
    public static final Injections NONE = new Injections(List.of(), List.of(), List.of(), null);

    public Injections {
        space = List.copyOf(space);
        front = List.copyOf(front);
        host = List.copyOf(host);
    }

    /** @throws IllegalArgumentException with one sentence, if one of them is invalid */
    static Injections parse(List<String> texts) {
        List<Rule> space = new ArrayList<>();
        List<Rule> front = new ArrayList<>();
        List<HostFault> host = new ArrayList<>();
        StrayRead stray = null;
        Set<String> given = new HashSet<>();
        for (String text : texts) {
            if (!given.add(text)) throw new IllegalArgumentException("--inject=%s is given twice".formatted(text));
            FaultText fault = new FaultText(text);
            switch (fault.kind()) {
                case DENY, DELAY, POISON, REVOKE, FAIL_MAP -> space.add(rule(fault));
                case DROP_INVALIDATION -> front.add(new Rule.DropInvalidation(fault.name(), fault.range(),
                        fault.occurrences()));
                case FAIL_UNMAP, LOST_INTERRUPT, LATE_INTERRUPT, SHORT_WRITE, OVERRUN -> host.add(hostFault(fault));
                case STRAY_READ -> {
                    if (stray != null)
                        throw new IllegalArgumentException(fault.name() + ": only one stray-read is possible");
                    stray = new StrayRead(fault.number("address", null), fault.number("from", 1L));
                }
            }
            fault.requireAllUsed();
        }
        return new Injections(space, front, host, stray);
    }

    private static Rule rule(FaultText fault) {
        return switch (fault.kind()) {
            case DENY -> new Rule.Deny(fault.name(), fault.range(), fault.access(), fault.occurrences());
            case DELAY -> new Rule.Delay(fault.name(), fault.range(), fault.access(), fault.occurrences(),
                    fault.delay());
            case POISON -> new Rule.Poison(fault.name(), fault.range());
            case REVOKE -> new Rule.Revoke(fault.name(), fault.range(), fault.access(), fault.occurrences());
            case FAIL_MAP ->
                new Rule.FailMap(fault.name(), fault.occurrences(), fault.runs(), fault.errno(Errno.ENOMEM));
            default -> throw new IllegalStateException(fault.kind() + " is not a rule of a space");
        };
    }

    private static HostFault hostFault(FaultText fault) {
        return switch (fault.kind()) {
            case FAIL_UNMAP -> new HostFault.FailUnmap(fault.name(), fault.occurrences(), fault.errno(Errno.EIO));
            case LOST_INTERRUPT -> new HostFault.LostInterrupt(fault.name(), fault.occurrences(), fault.vector());
            case LATE_INTERRUPT ->
                new HostFault.LateInterrupt(fault.name(), fault.occurrences(), fault.vector(), fault.delay());
            case SHORT_WRITE ->
                new HostFault.ShortWrite(fault.name(), fault.occurrences(), fault.range(), fault.bytes());
            case OVERRUN -> new HostFault.Overrun(fault.name(), fault.occurrences(), fault.range(), fault.bytes());
            default -> throw new IllegalStateException(fault.kind() + " does not happen in the host");
        };
    }

    /** The names of those that happen by chance, with what decides about it. */
    List<String> byChance() {
        List<String> names = new ArrayList<>();
        for (Rule rule : space) names.add(rule.name());
        for (Rule rule : front) names.add(rule.name());
        for (HostFault fault : host) names.add(fault.name());
        names.removeIf(name -> !name.contains(",one-in="));
        return names;
    }
}
