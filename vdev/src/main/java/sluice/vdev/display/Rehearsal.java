package sluice.vdev.display;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.IdentityTranslation;
import sluice.dmacore.memory.MemoryRegion;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.DeviceLoop;
import sluice.vdev.gpu.CommandType;
import sluice.vdev.gpu.GpuDevice;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.PictureTaker;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.QueueLayout;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

/**
 * A GPU that nobody sees carries out the commands of a driver for a moment, while the VM starts: what the JVM does at the first use of
 * a method, such as linking a switch on types, and interpreting a loop until it is compiled, is done before the guest's first
 * command, which would wait for it.
 */
final class Rehearsal implements DeviceContext {
    private static final long LIMIT_NANOS = 400_000_000;
    private static final int MOST_ROUNDS = 400;
    /** How many rounds use the same list of pages. */
    private static final int ROUNDS_ATTACHED = 8;
    private static final int DAMAGES = 8;

    private static final int WIDTH = 1024;
    private static final int HEIGHT = 256;
    private static final int DAMAGE = 64;
    private static final int FORMAT = 2;
    private static final int PAGE = 4096;
    private static final int PAGES = WIDTH * HEIGHT * 4 / PAGE;
    /** Coprime with the number of pages, which makes no two of the list adjacent. */
    private static final int STEP = 97;

    private static final long REACH = 16L << 20;
    private static final long BASE = 1L << 32;
    private static final int CONTROL = 0;
    private static final int SIZE = 16;
    private static final long AVAILABLE = PAGE;
    private static final long USED = 2L * PAGE;
    private static final long SLOTS = 16L * PAGE;
    private static final long SLOT_BYTES = 16L * PAGE;
    private static final long COMMAND = 64;
    private static final long RESPONSE = SLOT_BYTES - PAGE;
    private static final long PICTURE = SLOTS + SIZE * SLOT_BYTES;
    private static final long BYTES = PICTURE + (long) PAGES * PAGE;
    private static final int HEADER_BYTES = 24;
    private static final short NEXT = 1;
    private static final short WRITE = 2;
    private static final short INDIRECT = 4;
    private static final int OK_NODATA = 0x1100;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final GuestMemoryView view = new GuestMemoryView();
    private final FrontTranslation translation = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
    private final MemorySegment memory;
    private final GpuDevice device;
    private final PictureTaker pictures = new PictureTaker(Path.of("."), 0);
    private int made;
    private int seen;
    /** The device has ended its turn before its work. */
    private boolean again;

    private Rehearsal(DeviceLoop loop) throws IOException {
        try (Fd file = Memfd.create("rehearsal", Memfd.ALLOW_SEALING)) {
            Memfd.resize(file, BYTES);
            Seals.add(file, Seals.SHRINK | Seals.GROW);
            FileMapping mapping = FileMappings.ofProcess().map(file);
            memory = mapping.segment();
            view.adopt(GuestMemory.of(List.of(MemoryRegion.of(BASE, BYTES, BASE, mapping, 0))));
            mapping.release(); // the table holds it
        }
        device = GpuDevice.small(new GpuOptions(1, GpuOptions.DEFAULT_MEMORY_LIMIT),
                new DisplayLink(loop, 1, WIDTH, HEIGHT), pictures, REACH);
    }

    /**
     * Rehearses for less than half a second, on a thread that does nothing else.
     *
     * @param loop is not used by a display without a viewer
     * @param enough when it is true the rehearsal ends: it would take the processor from a guest
     * @return how many pictures were drawn
     * @throws IOException there is no memory
     * @throws IllegalStateException a command was refused
     */
    static int run(DeviceLoop loop, BooleanSupplier enough) throws IOException {
        Rehearsal rehearsal = new Rehearsal(loop);
        try {
            return rehearsal.draw(enough);
        } finally {
            rehearsal.close();
        }
    }

    private int draw(BooleanSupplier enough) {
        device.start(device.features(), this);
        Virtqueue queue = Virtqueue.open(new QueueLayout(SIZE, BASE, BASE + AVAILABLE, BASE + USED), 0,
                RingFeatures.split(true, true), translation, translation, () -> {});
        device.startQueue(CONTROL, queue);
        try {
            add(CommandType.RESOURCE_CREATE_2D, 1, FORMAT, WIDTH, HEIGHT);
            finish();
            int rounds = 0;
            long begun = System.nanoTime();
            while (rounds < MOST_ROUNDS && System.nanoTime() - begun < LIMIT_NANOS) {
                attach();
                for (int i = 0; i < ROUNDS_ATTACHED && !enough.getAsBoolean(); i++) frame(rounds++);
                add(CommandType.RESOURCE_DETACH_BACKING, 1, 0);
                finish();
                if (enough.getAsBoolean()) break;
            }
            return rounds;
        } finally {
            device.stopQueue(CONTROL);
            queue.stop();
        }
    }

    private void attach() {
        int[] numbers = new int[2 + 4 * PAGES];
        numbers[0] = 1;
        numbers[1] = PAGES;
        for (int i = 0; i < PAGES; i++) {
            long address = BASE + PICTURE + (long) (i * STEP % PAGES) * PAGE;
            numbers[2 + 4 * i] = (int) address;
            numbers[3 + 4 * i] = (int) (address >>> 32);
            numbers[4 + 4 * i] = PAGE;
        }
        add(CommandType.RESOURCE_ATTACH_BACKING, numbers);
        add(CommandType.SET_SCANOUT, 0, 0, WIDTH, HEIGHT, 0, 1);
        finish();
    }

    /** The whole picture, and then small parts of it, each with one notification as Linux does it. */
    private void frame(int round) {
        show(0, 0, WIDTH, HEIGHT);
        for (int i = 0; i < DAMAGES; i++) {
            show((round * DAMAGE + i) % (WIDTH - DAMAGE), i * DAMAGE % (HEIGHT - DAMAGE), DAMAGE, DAMAGE);
            add(CommandType.TRANSFER_TO_HOST_2D, i, i, 1, 1, (i * WIDTH + i) * 4, 0, 1, 0);
            finish();
        }
    }

    private void show(int x, int y, int width, int height) {
        add(CommandType.TRANSFER_TO_HOST_2D, x, y, width, height, (y * WIDTH + x) * 4, 0, 1, 0);
        add(CommandType.RESOURCE_FLUSH, x, y, width, height, 1, 0);
        finish();
    }

    /** Puts a command with a fence into the next slot, by an indirect descriptor, and makes it available. */
    private void add(CommandType type, int... numbers) {
        int head = made % SIZE;
        long slot = SLOTS + head * SLOT_BYTES;
        memory.set(INT, slot + COMMAND, type.wireNumber());
        memory.set(INT, slot + COMMAND + 4, 1);
        memory.set(LONG, slot + COMMAND + 8, made);
        for (int i = 0; i < numbers.length; i++)
            memory.set(INT, slot + COMMAND + HEADER_BYTES + 4L * i, numbers[i]);
        memory.set(INT, slot + RESPONSE, 0);
        descriptor(slot, BASE + slot + COMMAND, HEADER_BYTES + 4 * numbers.length, NEXT, 1);
        descriptor(slot + 16, BASE + slot + RESPONSE, HEADER_BYTES, WRITE, 0);
        descriptor(16L * head, BASE + slot, 32, INDIRECT, 0);
        memory.set(SHORT, AVAILABLE + 4 + 2L * head, (short) head);
        made++;
    }

    private void descriptor(long at, long address, int length, short flags, int next) {
        memory.set(LONG, at, address);
        memory.set(INT, at + 8, length);
        memory.set(SHORT, at + 12, flags);
        memory.set(SHORT, at + 14, (short) next);
    }

    /** Has all commands carried out: without a viewer none has to wait. */
    private void finish() {
        memory.set(SHORT, AVAILABLE + 2, (short) made);
        do {
            again = false;
            device.notified(CONTROL);
        } while (again);
        for (; seen != made; seen++) {
            int response = memory.get(INT, SLOTS + seen % SIZE * SLOT_BYTES + RESPONSE);
            if (response != OK_NODATA)
                throw new IllegalStateException("a command is answered with 0x%x".formatted(response));
        }
    }

    private void close() {
        device.close();
        pictures.close();
        view.adopt(GuestMemory.empty());
    }

    @Override
    public FrontTranslation memory() {
        return translation;
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
