package sluice.vdev.gpu;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

import com.sun.management.ThreadMXBean;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.IdentityTranslation;
import sluice.dmacore.memory.MemoryRegion;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DriverQueue;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.QueueLayout;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.Used;
import sluice.vdev.host.SharedMemory;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The GPU with its two queues and a driver on one thread, without sockets and loops: a command is carried out when
 * {@link #call} returns. A queue that breaks or stalls is the test's failure, for its driver keeps the rules.
 */
final class OneThreadGpu implements AutoCloseable, DeviceContext {
    /** Guest memory begins at address 0: rings and room for commands first, then pages that hold pictures. */
    static final int RAM_BYTES = 1 << 18;
    static final long MEMORY_LIMIT = 1 << 20;
    static final int WINDOW_BYTES = 1 << 20;
    static final int MAX_COMMAND = 4096;
    static final int MAX_ANSWER = 1056;
    static final int SCANOUTS = 2;
    private static final int SIZE = 4;

    final CheckedDisplay display = new CheckedDisplay();
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    /** Heap bytes that the device has allocated for commands. */
    long allocated;
    /** Whether the front-end refuses to map the window. */
    boolean refusing;
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting());
    private final Share share = Budget.ofProcess().share("one-thread-gpu");
    private final GpuDevice device;
    private final Window window;
    private final GuestRam ram = GuestRam.single(RAM_BYTES, 1);
    private final GuestMemoryView view = new GuestMemoryView();
    private final FrontTranslation memory = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
    private final List<DriverQueue> drivers = new ArrayList<>();
    private final List<Virtqueue> queues = new ArrayList<>();
    private final boolean[] due = new boolean[2];
    private final Buffer request;
    private final Buffer answer;

    OneThreadGpu(RingKind kind) throws IOException {
        this(kind, HostImage::new);
    }

    /** The same with images from somewhere else. */
    OneThreadGpu(RingKind kind, ResourceTable.Images images) throws IOException {
        device = new GpuDevice(new GpuOptions(SCANOUTS, MEMORY_LIMIT).withHostBlobs(WINDOW_BYTES), display,
                new PictureTaker(Path.of("."), 0), core, Stream.COHERENT, share, images);
        window = new Window(SharedMemory.of("one-thread", device.sharedRegions(), FileMappings.ofProcess()));
        FileMapping mapping = new FileMappings(Budget.of(Resource.MAPPINGS, 4)).map(ram.file());
        view.adopt(GuestMemory
                .of(List.of(MemoryRegion.of(0, RAM_BYTES, ram.regions().getFirst().userAddress(), mapping, 0))));
        mapping.release();
        RingFeatures features = new RingFeatures(true, true, kind == RingKind.PACKED, false, false);
        device.start(device.features(), this);
        for (int i = 0; i < 2; i++) {
            Buffer ring = ram.allocate(QueueLayout.contiguousBytes(SIZE));
            QueueLayout at = QueueLayout.contiguous(SIZE, ram.offset(ring.address(), ring.length()), ring.address());
            drivers.add(DriverQueue.of(kind, ram.memory(), at, true, false));
            Virtqueue queue = Virtqueue.open(new sluice.vdev.queue.QueueLayout(SIZE, at.descriptorAddress(),
                    at.availAddress(), at.usedAddress()), kind.start(), features, memory, memory, () -> {});
            queues.add(queue);
            device.startQueue(i, queue);
        }
        request = ram.allocate(MAX_COMMAND);
        answer = ram.allocate(MAX_ANSWER);
    }

    /**
     * Carries one command out.
     *
     * @param queue   0 for control, 1 for the cursor
     * @param command at most {@link #MAX_COMMAND} bytes
     * @param room    bytes the answer may have, 0 to {@link #MAX_ANSWER}; a chain without any buffer is not sent
     * @return the answer, as long as the device says it is
     */
    ByteBuffer call(int queue, byte[] command, int room) {
        DriverQueue driver = drivers.get(queue);
        ram.write(request, ByteBuffer.wrap(command));
        ram.slice(answer).fill((byte) 0xa5);
        driver.submit(List.of(new Buffer(request.address(), command.length)),
                List.of(new Buffer(answer.address(), room)));
        due[queue] = true;
        turn();
        if (!driver.usedPending() && display.takeHeld()) turn();
        Used used = driver.poll().orElseThrow(() -> new AssertionError("a command is not answered"));
        return ByteBuffer.wrap(ram.read(List.of(answer), 0, (int) used.written())).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void turn() {
        for (int round = 0; due[0] || due[1]; round++) {
            if (round > 100) throw new AssertionError("the device wants to be called again for ever");
            for (int i = 0; i < 2; i++) {
                if (!due[i]) continue;
                due[i] = false;
                long before = threads.getCurrentThreadAllocatedBytes();
                device.notified(i);
                allocated += threads.getCurrentThreadAllocatedBytes() - before;
            }
        }
    }

    /** As a driver that resets its device; the queues go on. Nothing that it has made is left. */
    void reset() {
        display.takeHeld();
        turn();
        device.reset();
        assertThat(device.windowUsed()).as("bytes of the window").isZero();
        assertThat(core.exported().count()).as("exported objects").isZero();
        for (Resource resource : Resource.values()) {
            if (resource != Resource.MAPPINGS) assertThat(share.used(resource)).as(resource.name()).isZero();
        }
        assertThat(window.memory().mismatch(MemorySegment.ofArray(new byte[WINDOW_BYTES]))).isEqualTo(-1);
    }

    /** The window, all of which the guest sees once it is mapped. */
    private final class Window implements SharedWindow {
        private final SharedMemory shared;

        Window(SharedMemory shared) {
            this.shared = shared;
        }

        @Override
        public MemorySegment memory() {
            return shared.segment(1);
        }

        @Override
        public FileMapping file() {
            return shared.mapping();
        }

        @Override
        public long fileOffset() {
            return shared.offset(1);
        }

        @Override
        public void clear(long offset, long length) throws ErrnoException {
            shared.clear(1, offset, length);
        }

        @Override
        public void show(long offset, long length, Consumer<Boolean> done) {
            done.accept(!refusing);
        }

        @Override
        public void hide(long offset, long length, Consumer<Boolean> done) {
            done.accept(true);
        }
    }

    @Override
    public SharedWindow window(int id) {
        return window;
    }

    @Override
    public FrontTranslation memory() {
        return memory;
    }

    @Override
    public void callAgain(int index) {
        due[index] = true;
    }

    @Override
    public void stalled(int index, Polled.Stalled where) {
        throw new AssertionError("queue " + index + " stalls: " + where);
    }

    @Override
    public void broken(int index, Polled.Broken why) {
        throw new AssertionError("queue " + index + " is broken: " + why.reason());
    }

    @Override
    public void close() {
        for (int i = 0; i < 2; i++) {
            device.stopQueue(i);
            queues.get(i).stop();
        }
        reset();
        device.close();
        window.shared.close();
        share.close();
        view.adopt(GuestMemory.empty());
        ram.close();
    }
}
