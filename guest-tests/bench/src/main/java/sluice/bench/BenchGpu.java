package sluice.bench;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.trace.QueueTrace;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.gpu.GpuDevice;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.PictureTaker;
import sluice.vdev.queue.Polled;

/** A GPU without a loop and a driver that allocates nothing, on one thread: each slot holds one command. */
final class BenchGpu implements DeviceContext {
    private static final int CONTROL = 0;
    private static final int OK_NODATA = 0x1100;
    /** Little-endian machines only, as all that Sluice runs on are. */
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    private final BenchGuest guest;
    private final QueueTrace trace;
    private final PictureTaker pictures = new PictureTaker(Path.of("."), 0);
    private final GpuDevice device;
    /** The device's turn was cut short, because the machine had taken the processor away. */
    private boolean again;

    BenchGpu(GpuOptions options) throws IOException {
        this(options, DmaCore.open(DmaCoreOptions.counting()), QueueTrace.NONE);
    }

    /** The same with traces of its work and of its queue. */
    BenchGpu(GpuOptions options, DmaCore core, QueueTrace trace) throws IOException {
        this.trace = trace;
        guest = new BenchGuest(trace);
        device = new GpuDevice(options, new InstantDisplay(), pictures, core, Stream.COHERENT,
                Budget.ofProcess().own());
        device.start(device.features(), this);
        device.startQueue(CONTROL, guest.queue());
    }

    /** Ends it. */
    void close() {
        device.stopQueue(CONTROL);
        device.close();
        pictures.close();
        guest.close();
    }

    /** Puts a command into a slot: a header with a fence, then numbers. */
    void write(int slot, int type, int... numbers) {
        MemorySegment memory = guest.memory();
        long at = guest.commandOffset(slot);
        memory.set(INT, at, type);
        memory.set(INT, at + 4, 1);
        memory.set(LONG, at + 8, 77);
        memory.set(LONG, at + 16, 0);
        for (int i = 0; i < numbers.length; i++) memory.set(INT, at + 24 + 4L * i, numbers[i]);
        guest.prepare(slot, 24 + 4L * numbers.length);
    }

    /**
     * Puts a list of single pages, no two of them adjacent, behind the {@code bytes} of a slot's command.
     *
     * @param first of 8192 pages; those behind the last follow at the beginning
     */
    void writePages(int slot, int bytes, int pages, int first) {
        long at = guest.commandOffset(slot) + bytes;
        for (int i = 0; i < pages; i++) {
            long page = BenchGuest.PICTURES + ((first + i) * 3079L & 8191) * BenchGuest.PAGE;
            guest.memory().set(LONG, at + 16L * i, BenchGuest.BASE + page);
            guest.memory().set(INT, at + 16L * i + 8, BenchGuest.PAGE);
            guest.memory().set(INT, at + 16L * i + 12, 0);
        }
        guest.prepare(slot, bytes + 16L * pages);
    }

    /** Has a slot's command carried out, which must be answered with OK_NODATA. */
    int run(int slot) {
        guest.send(slot);
        trace.noticed();
        do {
            again = false;
            device.notified(CONTROL);
        } while (again);
        if (guest.takeBack() != 1 || guest.response(slot) != OK_NODATA) {
            throw new IllegalStateException("slot %d is answered with 0x%x".formatted(slot, guest.response(slot)));
        }
        return slot;
    }

    @Override
    public FrontTranslation memory() {
        return guest.translation();
    }

    @Override
    public void callAgain(int index) {
        again = true;
    }

    @Override
    public void stalled(int index, Polled.Stalled where) {
        throw new IllegalStateException(where.toString());
    }

    @Override
    public void broken(int index, Polled.Broken why) {
        throw new IllegalStateException(why.reason());
    }
}
