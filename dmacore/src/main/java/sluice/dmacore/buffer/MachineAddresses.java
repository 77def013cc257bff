package sluice.dmacore.buffer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;
import sluice.iommu.Access;

/**
 * The mappings of all functions of a machine; identifies the likely target of an access to an address that is not
 * mapped.
 */
final class MachineAddresses {
    private final Findings findings;
    /** A function that is no longer used and has no mappings is dropped with its history. */
    private final Map<DeviceFunction, FunctionAddresses> functions = new WeakHashMap<>();

    MachineAddresses(Findings findings) {
        this.findings = findings;
    }

    Findings findings() {
        return findings;
    }

    synchronized FunctionAddresses of(DeviceFunction function) {
        return functions.computeIfAbsent(function, _ -> new FunctionAddresses());
    }

    /**
     * The finding for an access to an unmapped address.
     *
     * @param subject the function, and the buffer that was probably meant
     * @param from first byte in it
     * @param what description of the access
     */
    record Meant(Rule rule, Subject subject, long from, String what) {}

    /** Determines the likely target of an address that is not mapped for a function. */
    Meant meant(DeviceFunction function, long address, Access access) {
        String what = "%s at 0x%x".formatted(access == Access.READ ? "read" : "written", address);
        FunctionAddresses own = of(function);
        FunctionAddresses.Former former = own.formerly(address);
        if (former != null) {
            return new Meant(Rule.DEVICE_AFTER_UNMAP, former.subject(), former.order().positionOf(address),
                    "%s, an address of it that was %s".formatted(what, former.how()));
        }
        DeviceMapping foreign = ofAnother(function, address, access);
        if (foreign != null) {
            DmaBuf buffer = foreign.attachment().buffer();
            return new Meant(Rule.DEVICE_FOREIGN_ADDRESS,
                    new Subject(function.name(), 0, buffer.name(), buffer.number()),
                    foreign.order().positionOf(address),
                    "%s, which is mapped for %s".formatted(what, foreign.attachment().function().name()));
        }
        DeviceMapping below = own.below(address);
        if (below == null) {
            return new Meant(Rule.DEVICE_OUTSIDE_MAPPING, new Subject(function.name(), 0, "", 0), 0,
                    what + ", where nothing is mapped");
        }
        return new Meant(Rule.DEVICE_OUTSIDE_MAPPING, below.attachment().subject(),
                below.attachment().buffer().size(), "%s, 0x%x bytes behind the end of a segment of it".formatted(what,
                        address - below.order().endBelow(address)));
    }

    private @Nullable DeviceMapping ofAnother(DeviceFunction function, long address, Access access) {
        List<FunctionAddresses> others = new ArrayList<>();
        synchronized (this) {
            functions.forEach((other, addresses) -> {
                if (!other.equals(function)) others.add(addresses);
            });
        }
        for (FunctionAddresses other : others) {
            DeviceMapping found = other.at(address, 1, access);
            if (found != null) return found;
        }
        return null;
    }
}
