package sluice.vdev.media;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.fence.FenceDomain;
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
import sluice.dmacore.witness.Witness;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.space.IoSpace;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.device.DeviceLoop;
import sluice.vdev.device.InputSeats;
import sluice.vdev.device.Report;
import sluice.vdev.device.Screens;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.device.StrayRead;
import sluice.vdev.device.Workers;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DriverQueue;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.QueueLayout;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.Used;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

/**
 * The device with its queues, its driver and its workers on one thread: a command is carried out when {@link #call} returns,
 * and a job when {@link #work} is called. A queue that breaks or stalls is the test's failure.
 */
final class OneThreadMedia implements AutoCloseable, DeviceContext {
    static final int RAM_BYTES = 1 << 20;
    static final int MAX_COMMAND = 2048;
    static final int MAX_ANSWER = 1024;
    static final int ARENA = 8 << 20;
    static final int SESSIONS = 4;
    private static final int SIZE = 8;

    final MediaDevice device;
    final GuestRam ram = GuestRam.single(RAM_BYTES, 1);
    final DmaCore core = DmaCore.open(DmaCoreOptions.counting());
    private final Share share = Budget.ofProcess().share("media");
    private final FileMapping regionFile;
    private final MemorySegment region;
    private final GuestMemoryView view = new GuestMemoryView();
    private final FrontTranslation memory = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
    private final List<DriverQueue> drivers = new ArrayList<>();
    private final List<Virtqueue> queues = new ArrayList<>();
    private final boolean[] due = new boolean[2];
    private final Buffer request;
    private final Buffer answer;
    private final Buffer event;
    private final Report report = new Report();
    private boolean lent;

    /** A job of a worker. */
    private record Job(Runnable work, Runnable done) {}

    private final Deque<Job> jobs = new ArrayDeque<>();

    /** For the test coding. */
    OneThreadMedia() throws IOException {
        this(List.of(CodedFormat.plain()));
    }

    OneThreadMedia(List<CodedFormat> formats) throws IOException {
        this((options, environment) -> MediaDevice.decoder(options, formats, environment));
    }

    static OneThreadMedia encoder(List<EncodedFormat> formats) throws IOException {
        return new OneThreadMedia((options, environment) -> MediaDevice.encoder(options, formats, environment));
    }

    private OneThreadMedia(BiFunction<MediaOptions, DeviceEnvironment, MediaDevice> make) throws IOException {
        try (Fd file = Memfd.create("arena", Memfd.ALLOW_SEALING)) {
            Memfd.resize(file, ARENA);
            Seals.add(file, Seals.SHRINK | Seals.GROW);
            regionFile = FileMappings.ofProcess().map(file);
            region = regionFile.segment();
        }
        device = make.apply(new MediaOptions(48, ARENA, SESSIONS, 1_000_000_000L), new Surroundings());
        FileMapping mapping = new FileMappings(Budget.of(Resource.MAPPINGS, 4)).map(ram.file());
        view.adopt(GuestMemory
                .of(List.of(MemoryRegion.of(0, RAM_BYTES, ram.regions().getFirst().userAddress(), mapping, 0))));
        mapping.release();
        device.start(0, this);
        for (int i = 0; i < 2; i++) {
            Buffer ring = ram.allocate(QueueLayout.contiguousBytes(SIZE));
            QueueLayout at = QueueLayout.contiguous(SIZE, ram.offset(ring.address(), ring.length()), ring.address());
            drivers.add(DriverQueue.of(RingKind.PACKED, ram.memory(), at, true, false));
            Virtqueue queue = Virtqueue.open(new sluice.vdev.queue.QueueLayout(SIZE, at.descriptorAddress(),
                    at.availAddress(), at.usedAddress()), RingKind.PACKED.start(),
                    new RingFeatures(true, true, true, false, false), memory, memory, () -> {});
            queues.add(queue);
            device.startQueue(i, queue);
        }
        request = ram.allocate(MAX_COMMAND);
        answer = ram.allocate(MAX_ANSWER);
        event = ram.allocate(SessionEvents.DQBUF_BYTES);
    }

    /** Carries one command out. */
    ByteBuffer call(ByteBuffer command, int room) {
        DriverQueue driver = drivers.getFirst();
        ram.write(request, command.duplicate().rewind());
        driver.submit(List.of(new Buffer(request.address(), command.limit())),
                room == 0 ? List.of() : List.of(new Buffer(answer.address(), room)));
        due[0] = true;
        turn();
        Used used = driver.poll().orElseThrow(() -> new AssertionError("a command is not answered"));
        return ByteBuffer.wrap(ram.read(List.of(answer), 0, (int) used.written())).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** An ioctl; {@code payload} becomes what is answered. */
    int ioctl(int session, Ioctl ioctl, ByteBuffer payload) {
        ByteBuffer command = MediaDriver.little(16 + payload.limit()).putInt(3).putInt(0).putInt(session)
                .putInt(ioctl.code()).put(payload.duplicate().rewind()).flip();
        ByteBuffer said = call(command, Math.min(MAX_ANSWER, 8 + payload.limit()));
        if (said.limit() > 8) payload.put(0, said, 8, Math.min(said.limit() - 8, payload.limit()));
        return said.getInt(0);
    }

    int open() {
        ByteBuffer said = call(MediaDriver.little(8).putInt(0, 1), 16);
        return said.getInt(0) == 0 ? said.getInt(8) : -said.getInt(0);
    }

    void closeSession(int session) {
        call(MediaDriver.little(16).putInt(0, 2).putInt(8, session), 0);
    }

    /** The next event, if there is one. */
    Optional<MediaDriver.Event> event() {
        DriverQueue driver = drivers.get(1);
        if (!lent) driver.submit(List.of(), List.of(event));
        lent = true;
        due[1] = true;
        turn();
        return arrived();
    }

    /** The event that has arrived before, if one has. */
    Optional<MediaDriver.Event> arrived() {
        DriverQueue driver = drivers.get(1);
        Optional<Used> used = driver.poll();
        if (used.isEmpty()) return Optional.empty();
        lent = false;
        ByteBuffer bytes = ByteBuffer.wrap(ram.read(List.of(event), 0, (int) used.get().written()))
                .order(ByteOrder.LITTLE_ENDIAN);
        return Optional.of(new MediaDriver.Event(bytes.getInt(0), bytes.getInt(4),
                bytes.slice(8, bytes.limit() - 8).order(ByteOrder.LITTLE_ENDIAN)));
    }

    /** Writes into the arena, as a client into a mapping. */
    void write(long offset, ByteBuffer bytes) {
        MemorySegment.copy(MemorySegment.ofBuffer(bytes), 0, region, offset, bytes.limit());
    }

    /** The arena, as a client has mapped it. */
    MemorySegment region() {
        return region;
    }

    byte read(long offset) {
        return region.get(ValueLayout.JAVA_BYTE, offset);
    }

    /** Runs one job; false if there is none. */
    boolean work() {
        Job job = jobs.poll();
        if (job == null) return false;
        job.work.run();
        job.done.run();
        turn();
        return true;
    }

    private void turn() {
        for (int round = 0; due[0] || due[1]; round++) {
            if (round > 100) throw new AssertionError("the device wants to be called again for ever");
            for (int i = 0; i < 2; i++) {
                if (!due[i]) continue;
                due[i] = false;
                device.notified(i);
            }
        }
    }

    /** As a driver that resets its device; what jobs are left are done. Nothing is used any more then. */
    void reset() {
        device.reset();
        while (work()) {
            // One after the other.
        }
    }

    /** A number of the device's report. */
    long statistic(String name) {
        for (Report.Metric metric : report.metrics()) {
            if (metric instanceof Report.Single single && single.name().equals(name)) return single.value().getAsLong();
        }
        throw new IllegalArgumentException(name);
    }

    /** What the guest's doings cost now. */
    long used(Resource resource) {
        return share.used(resource);
    }

    // ---- what a host provides

    @Override
    public FrontTranslation memory() {
        return memory;
    }

    @Override
    public SharedWindow window(int id) {
        return new SharedWindow() {
            @Override
            public MemorySegment memory() {
                return region;
            }

            @Override
            public void show(long offset, long length, Consumer<Boolean> done) {
                done.accept(true);
            }

            @Override
            public FileMapping file() {
                return regionFile;
            }

            @Override
            public long fileOffset() {
                return 0;
            }

            @Override
            public void clear(long offset, long length) {
                region.asSlice(offset, length).fill((byte) 0);
            }

            @Override
            public void hide(long offset, long length, Consumer<Boolean> done) {
                done.accept(true);
            }
        };
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
        view.adopt(GuestMemory.empty());
        ram.close();
        regionFile.release();
        share.close();
    }

    /** What a process provides. */
    private final class Surroundings implements DeviceEnvironment, DeviceLoop {
        @Override
        public String name() {
            return "media";
        }

        @Override
        public void execute(Runnable task) {
            task.run();
        }

        @Override
        public Runnable after(long nanos, Runnable task) {
            throw new IllegalStateException("the device has no timers besides its watchdog");
        }

        @Override
        public Runnable every(long nanos, Runnable task) {
            return () -> {};
        }

        @Override
        public DeviceLoop loop() {
            return this;
        }

        @Override
        public Workers workers() {
            return (what, work, done) -> jobs.add(new Job(work, done));
        }

        @Override
        public FenceDomain fences() {
            throw new IllegalStateException("the device has no fences");
        }

        @Override
        public InputSeats seats() {
            throw new IllegalStateException("the device has no seat");
        }

        @Override
        public DmaCore core() {
            return core;
        }

        @Override
        public Stream stream() {
            return Stream.COHERENT;
        }

        @Override
        public DeviceDmaParams dmaParams(DeviceDmaParams own) {
            return own;
        }

        @Override
        public Share share() {
            return share;
        }

        @Override
        public FileMappings files() {
            return FileMappings.ofProcess();
        }

        @Override
        public FaultPolicy onFault() {
            return new FaultPolicy.Abort();
        }

        @Override
        public @Nullable Witness witness() {
            return null;
        }

        @Override
        public @Nullable Screens screens() {
            return null;
        }

        @Override
        public Report report() {
            return report;
        }

        @Override
        public void reachesThrough(IoSpace space) {
            // Nothing is injected.
        }

        @Override
        public @Nullable StrayRead strayRead() {
            return null;
        }

        @Override
        public void whenAsked(Runnable show) {
            // It has nothing to show.
        }

        @Override
        public void closeAtEnd(Closeable thing) {
            throw new IllegalStateException("the device has nothing to be closed at the end");
        }
    }
}
