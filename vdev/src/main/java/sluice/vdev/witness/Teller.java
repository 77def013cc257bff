package sluice.vdev.witness;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.space.DmaReader;
import sluice.dmacore.witness.KernelCall;
import sluice.dmacore.witness.Timeline;
import sluice.dmacore.witness.Witness;
import sluice.dmacore.witness.WitnessedDevice;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.device.Counter;
import sluice.vdev.device.FunctionContext;

/** Handles a kernel's calls for one device: collects lists, translates their addresses, and carries the calls out. */
final class Teller implements AutoCloseable {
    /** Limit of a list: 1 GiB of single pages. */
    private static final int MOST_ENTRIES = 1 << 18;

    private final Witness witness;
    private final WitnessedDevice device;
    /** Addresses of a device served here. */
    private final @Nullable DmaReader reader;
    /** Guest physical addresses of other devices. */
    private final @Nullable FunctionContext physical;
    private final Counter elsewhere;
    private final Runs memory = new Runs();
    private final Result result = new Result();
    private long[] addresses = new long[8];
    private long[] lengths = new long[8];
    private int entries;

    private Teller(Witness witness, WitnessedDevice device, @Nullable FunctionContext physical, Counter elsewhere) {
        this.witness = witness;
        this.device = device;
        this.physical = physical;
        this.elsewhere = elsewhere;
        reader = device.openReader();
    }

    /** Creates it for a device served here; null if there is none with this number. */
    static @Nullable Teller ofServed(Witness witness, int number, Counter elsewhere) {
        WitnessedDevice device = witness.numbered(number);
        return device == null ? null : new Teller(witness, device, null, elsewhere);
    }

    /**
     * Creates it for another device, with addresses translated by the witness's own space; null if there are too many.
     */
    static @Nullable Teller ofOther(Witness witness, String name, Share share, FunctionContext physical,
            Counter elsewhere) {
        WitnessedDevice device = witness.other(name, share);
        return device == null ? null : new Teller(witness, device, physical, elsewhere);
    }

    /** @throws RefusedException it is invalid, or the core refuses it */
    void take(Operation operation, WitnessMessage message, String chain) throws RefusedException {
        if (operation == Operation.HELLO) {
            witness.greet(device, !message.has(WitnessMessage.FLAG_BOUND));
            return;
        }
        if (operation == Operation.UNBOUND) {
            Findings.at(message.call(), chain, device::unbound);
            return;
        }
        collect(message);
        if (entries < message.total()) return;
        try {
            if (entries > 0) carryOut(operation, message.toCall(chain));
        } catch (DmaBufException e) {
            throw new RefusedException("%s for %s: %s".formatted(message.call(), device.name(), e.getMessage()));
        } finally {
            entries = 0;
        }
    }

    private void collect(WitnessMessage message) throws RefusedException {
        if (message.first() == 0) entries = 0;
        int count = (int) message.count();
        if (message.first() != entries || message.total() > MOST_ENTRIES || entries + count > message.total()) {
            int have = entries;
            entries = 0;
            throw new RefusedException(
                    "entries %d to %d of %d, of which %d have come and %d may be in a list".formatted(
                            message.first(), message.first() + count, message.total(), have, MOST_ENTRIES));
        }
        if (entries + count > addresses.length) {
            int room = Math.max(entries + count, Math.min(MOST_ENTRIES, addresses.length * 2));
            addresses = Arrays.copyOf(addresses, room);
            lengths = Arrays.copyOf(lengths, room);
        }
        for (int i = 0; i < count; i++) {
            if (message.length(i) == 0) throw new RefusedException("an entry of 0 bytes");
            addresses[entries] = message.address(i);
            lengths[entries] = message.length(i);
            entries++;
        }
    }

    private void carryOut(Operation operation, KernelCall call) throws DmaBufException {
        Timeline timeline = witness.timeline();
        timeline.call(device, call, addresses[0], Arrays.stream(lengths, 0, entries).sum(), entries);
        try {
            transfer(operation, call);
        } finally {
            timeline.end();
        }
    }

    private void transfer(Operation operation, KernelCall call) throws DmaBufException {
        switch (operation) {
            case MAP -> map(call);
            case UNMAP -> device.unmap(call, addresses[0], lengths[0], Arrays.stream(lengths, 0, entries).sum());
            case SYNC_FOR_CPU -> {
                for (int i = 0; i < entries; i++) device.syncForCpu(call, addresses[i], lengths[i]);
            }
            case SYNC_FOR_DEVICE -> {
                for (int i = 0; i < entries; i++) device.syncForDevice(call, addresses[i], lengths[i]);
            }
            case ALLOC -> allocated(call);
            case FREE -> device.freed(call, addresses[0]);
            case HELLO, CPU_BEGIN, CPU_END, GOODBYE, UNBOUND, CHAIN ->
                throw new IllegalStateException(operation + " has no list");
        }
    }

    private void map(KernelCall call) throws DmaBufException {
        long[] from = Arrays.copyOf(addresses, entries);
        long[] bytes = Arrays.copyOf(lengths, entries);
        // A buffer references its file, so the section may end when it is created.
        try (var _ = reader == null ? null : reader.enter()) {
            if (findAll(call.direction() == Direction.TO_DEVICE ? Access.READ : Access.WRITE)) {
                device.map(call, from, bytes, memory);
            } else {
                elsewhere.increment();
                device.mapElsewhere(call, from, bytes);
            }
        } finally {
            memory.clear();
        }
    }

    private void allocated(KernelCall call) {
        try (var _ = reader == null ? null : reader.enter()) {
            if (findAll(Access.WRITE)) {
                device.allocated(call, addresses[0], lengths[0], memory);
            } else {
                elsewhere.increment();
                device.mapElsewhere(call, Arrays.copyOf(addresses, 1), Arrays.copyOf(lengths, 1));
            }
        } finally {
            memory.clear();
        }
    }

    /** Whether all addresses are memory, stored in {@link #memory} then. In a read section of the reader. */
    private boolean findAll(Access access) {
        memory.clear();
        for (int i = 0; i < entries; i++) {
            if (!find(addresses[i], lengths[i], access)) return false;
        }
        return true;
    }

    private boolean find(long address, long length, Access access) {
        if (reader != null) return reader.resolve(address, length, access, memory) == Outcome.RESOLVED;
        return physical != null
                && physical.memory().resolve(address, length, access, memory, result) == Outcome.RESOLVED;
    }

    @Override
    public void close() {
        if (reader != null) reader.close();
    }
}
