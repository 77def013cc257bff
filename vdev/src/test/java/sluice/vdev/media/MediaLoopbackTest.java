package sluice.vdev.media;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.codec.plain.PlainUnits;
import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** A client decodes through the device over either transport: MMAP buffers, events, a drain. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class MediaLoopbackTest {
    private static final int WIDTH = 64;
    private static final int HEIGHT = 48;
    private static final int PICTURES = 12;
    private static final int DELAY = 2;
    private static final int BUFFERS = 4;
    private static final int STRIDE = 128;
    private static final int ALIGNED_HEIGHT = 64;

    /** How a driver reaches the arena. */
    private interface Window {
        void write(long offset, ByteBuffer bytes) throws IOException;

        byte read(long offset) throws IOException;
    }

    private static final class Client {
        private final MediaDriver driver;
        private final Window window;
        private final int session;
        private final List<Long> output = new ArrayList<>();
        private final List<Long> capture = new ArrayList<>();

        Client(MediaDriver driver, Window window) throws IOException {
            this.driver = driver;
            this.window = window;
            session = driver.open();
            assertThat(session).isPositive();
        }

        void map(int type, List<Long> offsets) throws IOException {
            for (int i = 0; i < BUFFERS; i++) {
                ByteBuffer queried = driver.query(session, type, i);
                assertThat(queried.getInt(72)).as("planes").isEqualTo(1);
                MediaDriver.Mapped mapped = driver.map(session, queried.getInt(88 + 8));
                assertThat(mapped.length()).isEqualTo(queried.getInt(88 + 4));
                offsets.add(mapped.offset());
                assertThat(driver.query(session, type, i).getInt(12) & V4l2.BUF_MAPPED).isEqualTo(V4l2.BUF_MAPPED);
            }
        }

        void queueUnit(int index, int number) throws IOException {
            // In groups of two, the later one first.
            int order = number ^ 1;
            ByteBuffer unit = PlainUnits.pattern(WIDTH, HEIGHT, number, order, DELAY);
            window.write(output.get(index), unit);
            assertThat(driver.queue(session, MediaDriver.OUTPUT, index, unit.limit(), 100 + number)).isZero();
        }

        void check(long at, int seed) throws IOException {
            for (int y = 0; y < HEIGHT; y += 11) {
                for (int x = 0; x < WIDTH; x += 13)
                    assertThat(window.read(at + (long) y * STRIDE + x)).as("%d, %d of %d", x, y, seed)
                            .isEqualTo(PlainUnits.sample(seed, 0, x, y));
            }
            long chroma = (long) STRIDE * ALIGNED_HEIGHT;
            assertThat(window.read(at + chroma + 3 * STRIDE / 2 + 5)).isEqualTo(PlainUnits.sample(seed, 1, 5, 3));
            assertThat(window.read(at + chroma * 5 / 4 + 3 * STRIDE / 2 + 5))
                    .isEqualTo(PlainUnits.sample(seed, 2, 5, 3));
        }

        /** The whole life of a client. */
        void decode() throws IOException {
            assertThat(driver.subscribe(session, V4l2.EVENT_SOURCE_CHANGE, 0, 0)).isZero();
            assertThat(driver.subscribe(session, V4l2.EVENT_EOS, 0, 0)).isZero();
            assertThat(driver.setFormat(session, MediaDriver.OUTPUT, "SLPL", 320, 240)).isZero();
            assertThat(driver.request(session, MediaDriver.OUTPUT, BUFFERS, V4l2.MEMORY_MMAP)).isEqualTo(BUFFERS);
            map(MediaDriver.OUTPUT, output);
            assertThat(driver.stream(session, MediaDriver.OUTPUT, true)).isZero();
            for (int i = 0; i < BUFFERS; i++) queueUnit(i, i);
            MediaDriver.Event change = driver.event();
            assertThat(change.kind()).isEqualTo(2);
            assertThat(change.event()).isEqualTo(V4l2.EVENT_SOURCE_CHANGE);
            ByteBuffer format = driver.format(session, MediaDriver.CAPTURE);
            assertThat(List.of(format.getInt(8), format.getInt(12), format.getInt(28), format.getInt(32)))
                    .containsExactly(WIDTH, ALIGNED_HEIGHT, STRIDE * ALIGNED_HEIGHT * 3 / 2, STRIDE);
            assertThat(driver.request(session, MediaDriver.CAPTURE, BUFFERS, V4l2.MEMORY_MMAP)).isEqualTo(BUFFERS);
            map(MediaDriver.CAPTURE, capture);
            for (int i = 0; i < BUFFERS; i++)
                assertThat(driver.queue(session, MediaDriver.CAPTURE, i, 0, 0)).isZero();
            assertThat(driver.stream(session, MediaDriver.CAPTURE, true)).isZero();
            pump();
        }

        private void pump() throws IOException {
            int next = BUFFERS;
            int shown = 0;
            boolean last = false;
            boolean eos = false;
            while (!last || !eos) {
                MediaDriver.Event event = driver.event();
                assertThat(event.session()).isEqualTo(session);
                if (!event.isBuffer()) {
                    assertThat(event.event()).isEqualTo(V4l2.EVENT_EOS);
                    eos = true;
                } else if (event.type() == MediaDriver.OUTPUT) {
                    assertThat(event.flags() & V4l2.BUF_ERROR).isZero();
                    if (next < PICTURES) queueUnit(event.index(), next++);
                    else
                        if (next++ == PICTURES)
                            assertThat(driver.command(session, V4l2.CMD_STOP)).isZero();
                } else {
                    last = (event.flags() & V4l2.BUF_LAST) != 0;
                    if (event.used() > 0) {
                        int seed = shown++ ^ 1;
                        assertThat(event.seconds()).as("the time of its unit").isEqualTo(100 + seed);
                        check(capture.get(event.index()), seed);
                    }
                    if (!last) assertThat(driver.queue(session, MediaDriver.CAPTURE, event.index(), 0, 0)).isZero();
                }
            }
            assertThat(shown).isEqualTo(PICTURES);
        }

        void end() throws IOException {
            driver.close(session);
            for (long offset : capture) assertThat(driver.unmap(offset)).isZero();
            for (long offset : output) assertThat(driver.unmap(offset)).isZero();
            assertThat(driver.unmap(capture.getFirst())).as("a second time").isNotZero();
        }
    }

    /** Pages of the guest as a buffer, the last first. */
    private static ByteBuffer user(int type, int index, int used, Buffer memory) {
        int pages = (int) (memory.length() / GuestRam.PAGE);
        ByteBuffer buffer = MediaDriver.buffer(type, index, V4l2.MEMORY_USERPTR, 1);
        ByteBuffer all = MediaDriver.little(buffer.limit() + pages * Struct.ENTRY_BYTES).put(buffer);
        all.putInt(88, used).putInt(92, (int) memory.length()).putLong(96, 0x7f00_0000_0000L + index);
        for (int i = 0; i < pages; i++)
            all.putLong(memory.address() + (pages - 1L - i) * GuestRam.PAGE).putInt(GuestRam.PAGE).putInt(0);
        return all.rewind();
    }

    private static byte sample(GuestRam ram, Buffer memory, long offset) {
        long pages = memory.length() / GuestRam.PAGE;
        long at = (pages - 1 - offset / GuestRam.PAGE) * GuestRam.PAGE + offset % GuestRam.PAGE;
        return ram.slice(memory).get(ValueLayout.JAVA_BYTE, at);
    }

    @Test
    void guestPagesAreBuffersToo() throws Exception {
        try (ServedDevice device = new ServedDevice(new CodecProvider(), "transport", "vfio-user", "test-coding", "",
                "arena", "1");
                GuestRam ram = GuestRam.single(4 << 20, 1);
                VirtioPciSession session = new VirtioPciSession(device.client(), ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 64, 64)) {
            session.attach();
            session.start(null);
            MediaDriver driver = new MediaDriver(session);
            int id = driver.open();
            Buffer unit = ram.allocate(8192);
            Buffer picture = ram.allocate(3 * GuestRam.PAGE);
            assertThat(driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", 320, 240)).isZero();
            assertThat(driver.request(id, MediaDriver.OUTPUT, 1, V4l2.MEMORY_USERPTR)).isEqualTo(1);
            assertThat(driver.stream(id, MediaDriver.OUTPUT, true)).isZero();
            ByteBuffer bytes = PlainUnits.pattern(WIDTH, HEIGHT, 5, 0, 0);
            // The list begins with the last page.
            MemorySegment.copy(MemorySegment.ofBuffer(bytes), 0, ram.slice(unit), GuestRam.PAGE, bytes.limit());
            ByteBuffer queued = user(MediaDriver.OUTPUT, 0, bytes.limit(), unit);
            assertThat(driver.call(id, Ioctl.QBUF, queued)).isZero();
            assertThat(queued.getLong(96)).as("the pointer is the driver's").isEqualTo(0x7f00_0000_0000L);
            while (driver.format(id, MediaDriver.CAPTURE).getInt(8) != WIDTH)
                Thread.onSpinWait();
            assertThat(driver.request(id, MediaDriver.CAPTURE, 1, V4l2.MEMORY_USERPTR)).isEqualTo(1);
            assertThat(driver.stream(id, MediaDriver.CAPTURE, true)).isZero();
            assertThat(driver.call(id, Ioctl.QBUF, user(MediaDriver.CAPTURE, 0, 0, picture))).isZero();
            MediaDriver.Event first = driver.event();
            MediaDriver.Event second = driver.event();
            MediaDriver.Event captured = first.type() == MediaDriver.CAPTURE ? first : second;
            assertThat(captured.flags() & V4l2.BUF_ERROR).isZero();
            for (int y = 0; y < HEIGHT; y++) {
                for (int x = 0; x < WIDTH; x++)
                    assertThat(sample(ram, picture, (long) y * STRIDE + x)).isEqualTo(PlainUnits.sample(5, 0, x, y));
            }
            // Not memory, too short a list, and a buffer that is smaller than the picture.
            Buffer nowhere = new Buffer(1L << 40, 3 * GuestRam.PAGE);
            assertThat(driver.call(id, Ioctl.QBUF, user(MediaDriver.CAPTURE, 0, 0, nowhere)))
                    .isEqualTo(Errno.EFAULT);
            ByteBuffer cut = user(MediaDriver.CAPTURE, 0, 0, picture);
            assertThat(driver.call(id, Ioctl.QBUF, cut.limit(cut.limit() - 16))).isEqualTo(Errno.EINVAL);
            Buffer small = new Buffer(picture.address(), GuestRam.PAGE);
            assertThat(driver.call(id, Ioctl.QBUF, user(MediaDriver.CAPTURE, 0, 0, small)))
                    .isEqualTo(Errno.EINVAL);
            driver.close(id);
        }
    }

    @Test
    void overPci() throws Exception {
        try (ServedDevice device = new ServedDevice(new CodecProvider(), "transport", "vfio-user", "test-coding", "",
                "arena", "16");
                GuestRam ram = GuestRam.single(4 << 20, 1);
                VirtioPciSession session = new VirtioPciSession(device.client(), ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 64, 64)) {
            session.attach();
            session.start(null);
            assertThat(session.registers().config(0, 4)).as("1af4:1070").isEqualTo(0x1070_1af4);
            Client client = new Client(new MediaDriver(session), new Window() {
                @Override
                public void write(long offset, ByteBuffer bytes) throws IOException {
                    bytes.order(ByteOrder.LITTLE_ENDIAN);
                    for (int i = 0; i < bytes.limit(); i += 4)
                        session.client().write32(4, offset + i, bytes.getInt(i));
                }

                @Override
                public byte read(long offset) throws IOException {
                    return (byte) (session.client().read32(4, offset & -4) >>> (8 * (offset & 3)));
                }
            });
            client.decode();
            client.end();
        }
    }

    @Test
    void overVhostUser() throws Exception {
        Profile qemu = Profile.qemu11();
        try (ServedDevice device = new ServedDevice(new CodecProvider(), "transport", "vhost-user", "test-coding", "",
                "arena", "16", "virtio-id", "31");
                GuestRam ram = GuestRam.single(4 << 20, 1);
                DeviceSession session = new DeviceSession(device.frontEnd(), ram,
                        new Profile(qemu.protocolBits(), 0, qemu.forcedFeatures(), true, false), 64, 64)) {
            session.realize();
            session.start();
            assertThat(session.frontEnd().getShmemConfig().getFirst()).isEqualTo(16L << 20);
            MediaDriver driver = new MediaDriver(session);
            int first = driver.open();
            assertThat(driver.request(first, MediaDriver.OUTPUT, 1, V4l2.MEMORY_MMAP)).isEqualTo(1);
            CommandQueue.Ticket mapping = driver.send(MediaDriver.little(20).putInt(4).putInt(0).putInt(first).putInt(1)
                    .putInt(driver.query(first, MediaDriver.OUTPUT, 0).getInt(96)).flip(), 24);
            BackEndChannel.Request map = session.channel().receive(Deadline.USUAL);
            assertThat(map.request()).isEqualTo(BackEndChannel.SHMEM_MAP);
            try (Fd file = map.fds().getFirst()) {
                FileMapping window = new FileMappings(Budget.ofProcess()).map(file);
                session.channel().reply(map, 0);
                assertThat(driver.await(mapping).getInt(0)).isZero();
                driver.close(first);
                MemorySegment memory = window.segment();
                Client client = new Client(driver, new Window() {
                    @Override
                    public void write(long offset, ByteBuffer bytes) {
                        MemorySegment.copy(MemorySegment.ofBuffer(bytes), 0, memory, offset, bytes.limit());
                    }

                    @Override
                    public byte read(long offset) {
                        return memory.get(ValueLayout.JAVA_BYTE, offset);
                    }
                });
                client.decode();
                client.end();
                window.release();
            }
        }
    }
}
