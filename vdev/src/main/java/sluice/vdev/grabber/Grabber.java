package sluice.vdev.grabber;

import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.iommu.AddressRange;
import sluice.vdev.device.Counter;
import sluice.vdev.device.FunctionClock;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.Report;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.video.ExportedPicture;
import sluice.vdev.video.FrameSource;

/**
 * The frame grabber as a PCI function: direct registers, indirect registers behind them, and a clock that captures a
 * field at each tick while enabled by the driver.
 *
 * <p>The real card would overwrite a picture that the driver has not acknowledged yet. This one waits, and counts
 * skipped pictures: a slow guest gets fewer but complete pictures.
 */
public final class Grabber implements PciFunction {
    /** Size of the only BAR: one page. */
    private static final int BAR_BYTES = 4096;
    private static final int REGISTERS = 0x68;

    private static final int EVEN_ADDRESS = 0x00;
    private static final int ODD_ADDRESS = 0x0c;
    private static final int EVEN_GAP = 0x18;
    private static final int ODD_GAP = 0x24;
    private static final int CONTROL = 0x40;
    private static final int INTERRUPT = 0x48;
    private static final int SERIAL_DATA = 0x60;
    private static final int SERIAL_CYCLE = 0x64;

    /** Bits of {@link #CONTROL}. The first three kinds are write-1-to-clear. */
    private static final int ADDRESS_ERROR_EVEN = 0x400;
    private static final int ADDRESS_ERROR_ODD = 0x800;
    private static final int CORRUPT_EVEN = 0x100;
    private static final int CORRUPT_ODD = 0x200;
    private static final int DONE_EVEN = 0x10;
    private static final int DONE_ODD = 0x20;
    private static final int CONTROL_FLAGS = ADDRESS_ERROR_EVEN | ADDRESS_ERROR_ODD | CORRUPT_EVEN | CORRUPT_ODD
            | DONE_EVEN | DONE_ODD;
    /** Out of reset, with its FIFO, both fields continuously. */
    private static final int CAPTURING = 0x80 | 0x40 | 0x02 | 0x01;

    /** Of {@link #INTERRUPT}: flags, write-1-to-clear; the enable bits are 8 bits above. */
    private static final int FIELD_START = 4;
    private static final int END_ODD = 2;
    private static final int END_EVEN = 1;
    private static final int INTERRUPT_FLAGS = FIELD_START | END_ODD | END_EVEN;
    private static final int INTERRUPT_ENABLES = INTERRUPT_FLAGS << 8;

    /** Of {@link #SERIAL_CYCLE}. */
    private static final int NEW_CYCLE = 1 << 24;
    private static final int READ_CYCLE = 1 << 16;
    private static final int INDEX_SHIFT = 17;
    private static final int INDEX_MASK = 0x7f;
    /** Of {@link #SERIAL_DATA}. */
    private static final int ABORTED = 0x200;
    private static final int DATA_SHIFT = 24;

    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final int FIELDS_PER_FRAME = 2;
    private static final Logger LOG = LoggerFactory.getLogger(Grabber.class);

    private final List<Bar> bars = List.of(Bar.registers(0, BAR_BYTES));
    private final ConfigSpace config = new ConfigLayout(0x8086, 0x1223, 0x040000, 0).bars(bars).interruptPin(1).build();
    private final int[] registers = new int[REGISTERS / Integer.BYTES];
    private final IndirectRegisters indirect = new IndirectRegisters();
    private final Capture capture;
    private final long fieldNanos;
    private @Nullable FunctionContext context;
    private @Nullable ExportedPicture exported;
    private final FunctionClock clock = new FunctionClock();
    private boolean odd;
    private final Counter frames = new Counter();
    private final Counter skipped = new Counter();
    private final Counter errors = new Counter();

    /** @param framesPerSecond 1 to 1000; the real card has 25 or 30 */
    public Grabber(FrameSource source, int framesPerSecond) {
        if (framesPerSecond < 1 || framesPerSecond > 1000)
            throw new IllegalArgumentException(framesPerSecond + " frames per second; give 1 to 1000");
        this.capture = new Capture(source);
        this.fieldNanos = NANOS_PER_SECOND / framesPerSecond / FIELDS_PER_FRAME;
    }

    @Override
    public ConfigSpace config() {
        return config;
    }

    @Override
    public List<Bar> bars() {
        return bars;
    }

    /** Other devices of the process find its last picture from now on. */
    void export(@Nullable ExportedPicture object) {
        exported = object;
    }

    /** Its statistics. */
    public GrabberStatistics statistics() {
        return new GrabberStatistics(frames.getAsLong(), skipped.getAsLong(), errors.getAsLong());
    }

    /** Registers its counters. */
    void register(Report report) {
        report.counter("frames", "frames", "Complete pictures written.", frames);
        report.counter("skipped", "frames", "Pictures skipped because the driver had not taken the previous one.",
                skipped);
        report.counter("addressErrors", "fields", "Fields that ended at an address that was not writable.", errors);
    }

    @Override
    public void start(FunctionContext given) {
        context = given;
    }

    @Override
    public long read(int bar, long offset, int size) {
        int value = offset < REGISTERS ? registers[(int) offset / Integer.BYTES] : 0;
        return Integer.toUnsignedLong(value) >>> (Byte.SIZE * (offset & 3));
    }

    @Override
    public void write(int bar, long offset, int size, long value) {
        // The card decodes 32-bit accesses only.
        if (size != Integer.BYTES || offset >= REGISTERS) {
            LOG.debug("dropped a write of {} bytes at 0x{}: registers have 4", size, Long.toHexString(offset));
            return;
        }
        int bits = (int) value;
        switch ((int) offset) {
            case CONTROL -> {
                int flags = get(CONTROL) & CONTROL_FLAGS & ~bits;
                set(CONTROL, flags | (bits & ~CONTROL_FLAGS));
                runOrStop();
            }
            case INTERRUPT -> {
                int flags = get(INTERRUPT) & INTERRUPT_FLAGS & ~bits;
                set(INTERRUPT, flags | (bits & INTERRUPT_ENABLES));
                drive();
            }
            case SERIAL_DATA -> set(SERIAL_DATA, get(SERIAL_DATA) & ~(bits & ABORTED));
            case SERIAL_CYCLE -> cycle(bits);
            default -> set((int) offset, bits);
        }
    }

    private int get(int register) {
        return registers[register / Integer.BYTES];
    }

    private void set(int register, int value) {
        registers[register / Integer.BYTES] = value;
    }

    private void raise(int register, int flags) {
        set(register, get(register) | flags);
    }

    /** One byte to or from an indirect register; completes immediately. */
    private void cycle(int bits) {
        set(SERIAL_CYCLE, bits & ~NEW_CYCLE);
        if ((bits & NEW_CYCLE) == 0) return;
        int index = bits >>> INDEX_SHIFT & INDEX_MASK;
        if ((bits & READ_CYCLE) != 0) {
            int value = indirect.read(index);
            if (value == IndirectRegisters.ABORT) {
                raise(SERIAL_DATA, ABORTED);
            } else {
                set(SERIAL_DATA, value << DATA_SHIFT | (get(SERIAL_DATA) & ABORTED));
            }
        } else if (indirect.write(index, bits & 0xff)) {
            runOrStop();
        } else {
            raise(SERIAL_DATA, ABORTED);
        }
    }

    private void runOrStop() {
        boolean run = indirect.isArmed() && (get(CONTROL) & CAPTURING) == CAPTURING;
        if (run == clock.isRunning()) return;
        if (!run) {
            stop();
            return;
        }
        FunctionContext present = context;
        if (present == null) return;
        odd = false;
        clock.start(present, fieldNanos, () -> field(present));
    }

    private void stop() {
        clock.stop();
        ExportedPicture object = exported;
        if (object != null) object.end();
    }

    /** A field has ended: writes it, and notifies the driver. */
    private void field(FunctionContext present) {
        if (!odd) {
            if ((get(INTERRUPT) & END_ODD) != 0) {
                skipped.increment();
                return;
            }
            capture.begin(indirect.is50Hz() ? Capture.Format.HZ_50 : Capture.Format.HZ_60);
        }
        Capture.Field outcome = capture.write(present, odd ? 1 : 0, address(odd ? ODD_ADDRESS : EVEN_ADDRESS),
                address(odd ? ODD_GAP : EVEN_GAP));
        if (outcome == Capture.Field.ADDRESS_ERROR) {
            errors.increment();
            raise(CONTROL, odd ? ADDRESS_ERROR_ODD | CORRUPT_ODD : ADDRESS_ERROR_EVEN | CORRUPT_EVEN);
        }
        if (odd) {
            present.delivered(frames.getAsLong());
            exportPicture(present);
            frames.increment();
        }
        raise(CONTROL, odd ? DONE_ODD : DONE_EVEN);
        raise(INTERRUPT, FIELD_START | (odd ? END_ODD : END_EVEN));
        odd = !odd;
        drive();
    }

    /** A picture of two fields whose lines alternate is an object for others, if both are whole. */
    private void exportPicture(FunctionContext present) {
        ExportedPicture object = exported;
        if (object == null || (get(CONTROL) & (ADDRESS_ERROR_EVEN | ADDRESS_ERROR_ODD)) != 0) return;
        long width = capture.format().width();
        long first = address(EVEN_ADDRESS);
        if (address(ODD_ADDRESS) != first + width || address(EVEN_GAP) != width || address(ODD_GAP) != width) return;
        object.delivered(present.memory(), first, width * capture.format().height());
    }

    private long address(int register) {
        return Integer.toUnsignedLong(get(register));
    }

    /** Asserts the interrupt line while an enabled flag is set. */
    private void drive() {
        int value = get(INTERRUPT);
        FunctionContext present = context;
        if (present != null) present.assertInterrupt((value & value >>> 8 & INTERRUPT_FLAGS) != 0);
    }

    @Override
    public void unmapped(AddressRange range) {
        ExportedPicture object = exported;
        if (object != null) object.unmapped(range);
    }

    @Override
    public void reset() {
        stop();
        Arrays.fill(registers, 0);
        indirect.reset();
        capture.reset();
        drive();
    }
}
