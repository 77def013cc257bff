package copyengine;

import java.util.List;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.pci.Msix;
import sluice.vdev.device.PciFunction;

/** The copy engine on its bus: its registers, its interrupts, and at most one {@link CopyJob} at a time. */
public final class CopyEngine implements PciFunction {
    /**
     * PCI ids. 0x1234 is not assigned to a vendor; a real device needs ids from the PCI-SIG or from an owner of a
     * vendor id.
     */
    static final int VENDOR = 0x1234;
    static final int DEVICE = 0xc0b7;

    private static final int PROCESSING_ACCELERATOR = 0x120000;
    /** The registers and the MSI-X structures have pages of their own, so that a driver can map them separately. */
    private static final int BAR_BYTES = 8192;
    private static final Msix MSIX = new Msix(1, 0, 4096, 6144);
    private static final int EVENTS = Registers.DONE | Registers.ERROR;
    private static final Logger LOG = LoggerFactory.getLogger(CopyEngine.class);

    private final List<Bar> bars = List.of(Bar.registers(0, BAR_BYTES));
    private final ConfigSpace config = new ConfigLayout(VENDOR, DEVICE, PROCESSING_ACCELERATOR, 1).bars(bars)
            .interruptPin(1).msix(MSIX).build();
    private @Nullable FunctionContext context;
    private @Nullable CopyJob job;

    private int events;
    private int enabled;
    private long sourceList;
    private int sourceEntries;
    private long targetList;
    private int targetEntries;
    private Failure failure = Failure.NONE;
    private long faultAddress;
    private int jobsDone;
    private int jobsFailed;
    private long bytes;

    @Override
    public ConfigSpace config() {
        return config;
    }

    @Override
    public List<Bar> bars() {
        return bars;
    }

    @Override
    public void start(FunctionContext given) {
        context = given;
    }

    @Override
    public long read(int bar, long offset, int size) {
        int register = (int) offset & -4;
        // A driver may read a part of a register, selected by the low bits of the offset.
        return Integer.toUnsignedLong(read(register)) >>> (Byte.SIZE * (offset & 3));
    }

    private int read(int register) {
        return switch (register) {
            case Registers.ID -> Registers.IDENTITY;
            case Registers.STATUS -> events | (job == null ? 0 : Registers.BUSY);
            case Registers.INTERRUPT_ENABLE -> enabled;
            case Registers.SOURCE_LIST -> low(sourceList);
            case Registers.SOURCE_LIST + 4 -> high(sourceList);
            case Registers.SOURCE_ENTRIES -> sourceEntries;
            case Registers.TARGET_LIST -> low(targetList);
            case Registers.TARGET_LIST + 4 -> high(targetList);
            case Registers.TARGET_ENTRIES -> targetEntries;
            case Registers.ERROR_CODE -> failure.code();
            case Registers.FAULT_ADDRESS -> low(faultAddress);
            case Registers.FAULT_ADDRESS + 4 -> high(faultAddress);
            case Registers.JOBS_DONE -> jobsDone;
            case Registers.JOBS_FAILED -> jobsFailed;
            case Registers.BYTES -> low(bytes);
            case Registers.BYTES + 4 -> high(bytes);
            default -> 0;
        };
    }

    @Override
    public void write(int bar, long offset, int size, long value) {
        if (size != Integer.BYTES) {
            LOG.debug("a write of {} bytes at 0x{} is dropped: registers have 4", size, Long.toHexString(offset));
            return;
        }
        int bits = (int) value;
        switch ((int) offset) {
            case Registers.RESET -> {
                if ((bits & 1) != 0) reset();
            }
            case Registers.STATUS -> {
                events &= ~bits;
                driveLine();
            }
            case Registers.INTERRUPT_ENABLE -> {
                enabled = bits & EVENTS;
                driveLine();
            }
            case Registers.SOURCE_LIST -> sourceList = withLow(sourceList, bits);
            case Registers.SOURCE_LIST + 4 -> sourceList = withHigh(sourceList, bits);
            case Registers.SOURCE_ENTRIES -> sourceEntries = bits;
            case Registers.TARGET_LIST -> targetList = withLow(targetList, bits);
            case Registers.TARGET_LIST + 4 -> targetList = withHigh(targetList, bits);
            case Registers.TARGET_ENTRIES -> targetEntries = bits;
            case Registers.DOORBELL -> start();
            default -> LOG.debug("a write at 0x{} is dropped: no register is there", Long.toHexString(offset));
        }
    }

    private void start() {
        FunctionContext present = context;
        if (present == null || job != null) return;
        if (!config.isBusMaster()) {
            // Without this bit every access would fail; a distinct error names the cause.
            ended(Failure.NOT_BUS_MASTER, 0, 0);
            return;
        }
        CopyJob fresh = new CopyJob(present, this::ended);
        job = fresh; // before it starts, because it may end at once
        fresh.start(sourceList, sourceEntries, targetList, targetEntries);
    }

    private void ended(Failure why, long address, long written) {
        job = null;
        failure = why;
        faultAddress = address;
        bytes += written;
        if (why == Failure.NONE) {
            jobsDone++;
            raise(Registers.DONE);
        } else {
            jobsFailed++;
            LOG.debug("a job ends with {} at 0x{}", why, Long.toHexString(address));
            raise(Registers.ERROR);
        }
    }

    /** Only the one set up by the guest's driver has an effect: the message or the line. */
    private void raise(int event) {
        events |= event;
        FunctionContext present = context;
        if (present != null && (enabled & event) != 0) present.signal(0);
        driveLine();
    }

    /** The line stays asserted until the driver has cleared the event, because several devices may share it. */
    private void driveLine() {
        FunctionContext present = context;
        if (present != null) present.assertInterrupt((events & enabled) != 0);
    }

    @Override
    public void reset() {
        CopyJob running = job;
        job = null;
        if (running != null) {
            running.abort();
            bytes += running.written();
        }
        events = 0;
        enabled = 0;
        sourceList = 0;
        sourceEntries = 0;
        targetList = 0;
        targetEntries = 0;
        failure = Failure.NONE;
        faultAddress = 0;
        driveLine();
    }

    private static int low(long value) {
        return (int) value;
    }

    private static int high(long value) {
        return (int) (value >>> Integer.SIZE);
    }

    private static long withLow(long value, int bits) {
        return (value & ~0xffff_ffffL) | Integer.toUnsignedLong(bits);
    }

    private static long withHigh(long value, int bits) {
        return (value & 0xffff_ffffL) | (long) bits << Integer.SIZE;
    }
}
