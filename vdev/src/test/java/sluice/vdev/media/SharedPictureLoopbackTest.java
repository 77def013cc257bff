package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.vdev.codec.plain.PlainUnits;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.ImportingDevice;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** A GPU and a codec of one process: blobs are CAPTURE buffers, by their UUIDs, and CAPTURE buffers are objects of others. */
@Tag("loopback")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SharedPictureLoopbackTest {
    private static final int W = 64;
    private static final int H = 48;
    private static final GpuBlobPicture SHOWN = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H);
    /** As large as the blob: lines of 128 bytes, and chroma. */
    private static final int SIDE = 64;
    private static final int STRIDE = 128;
    private static final int BLOBS = 5;
    private static final int SMALL = 4096;
    private static final int PICTURES = 12;
    private static final UUID NONE = new UUID(1, 2);

    private final Findings findings = new Findings();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting()
            .withExecutor(new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy())), findings);
    private GpuBackEnd backEnd;
    private AttachedGpu gpu;

    @BeforeEach
    void start() throws IOException {
        backEnd = GpuBackEnd.withHostBlobs(core, Stream.COHERENT, 1 << 20);
        gpu = AttachedGpu.startWithBlobs(backEnd, GuestVariant.overVfioUser().toList().getFirst());
        gpu.driver().createContext(1).ok();
    }

    @AfterEach
    void end() throws IOException {
        gpu.close();
        assertThat(core.exported().count()).isZero();
        backEnd.close();
    }

    /** The codec, with the driver of its own machine, and a session that has one OUTPUT buffer. */
    private final class Codec implements AutoCloseable {
        private final ServedDevice device;
        private final GuestRam ram = GuestRam.single(1 << 20, 1);
        private final VirtioPciSession session;
        private final MediaDriver driver;
        private final int id;

        Codec(String coherency) throws Exception {
            device = new ServedDevice(core, new CodecProvider(), "transport", "vfio-user", "test-coding", "", "arena",
                    "4",
                    "coherency", coherency);
            session = new VirtioPciSession(device.client(), ram,
                    VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 64, 64);
            session.attach();
            session.start(null);
            driver = new MediaDriver(session);
            id = driver.open();
            assertThat(driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", SIDE, SIDE)).isZero();
            assertThat(driver.request(id, MediaDriver.OUTPUT, 1, V4l2.MEMORY_MMAP)).isEqualTo(1);
            assertThat(driver.stream(id, MediaDriver.OUTPUT, true)).isZero();
        }

        int capture(int index, UUID name) throws IOException {
            ByteBuffer buffer = MediaDriver.little(Struct.Buffer.BYTES + Struct.Plane.BYTES + Struct.UUID_BYTES)
                    .put(MediaDriver.buffer(MediaDriver.CAPTURE, index, V4l2.MEMORY_DMABUF, 1)).rewind();
            int at = Struct.Buffer.BYTES + Struct.Plane.BYTES;
            buffer.putLong(at, Long.reverseBytes(name.getMostSignificantBits()));
            buffer.putLong(at + 8, Long.reverseBytes(name.getLeastSignificantBits()));
            ByteBuffer asked = MediaDriver.little(buffer.limit()).put(buffer).rewind();
            int errno = driver.call(id, Ioctl.QBUF, asked);
            if (errno == 0) assertThat(asked.getLong(at)).as("the name").isEqualTo(buffer.getLong(at));
            return errno;
        }

        /** EXPBUF. */
        UUID export(int index) throws IOException {
            ByteBuffer asked = MediaDriver.little(Struct.ExportBuffer.BYTES + Struct.UUID_BYTES)
                    .putInt(0, MediaDriver.CAPTURE).putInt(4, index);
            assertThat(driver.call(id, Ioctl.EXPBUF, asked)).isZero();
            return new UUID(Long.reverseBytes(asked.getLong(64)), Long.reverseBytes(asked.getLong(72)));
        }

        /** The index of the CAPTURE buffer that has the picture. */
        int decode(int seed) throws IOException {
            ByteBuffer unit = PlainUnits.pattern(SIDE, SIDE, seed, seed, 0);
            int offset = driver.query(id, MediaDriver.OUTPUT, 0).getInt(96);
            for (int i = 0; i < unit.limit(); i += 4) session.client().write32(4, offset + i, unit.getInt(i));
            assertThat(driver.queue(id, MediaDriver.OUTPUT, 0, unit.limit(), seed)).isZero();
            int index = -1;
            for (int i = 0; i < 2; i++) {
                MediaDriver.Event event = driver.event();
                assertThat(event.isBuffer()).isTrue();
                assertThat(event.flags() & V4l2.BUF_ERROR).isZero();
                if (event.type() == MediaDriver.CAPTURE) index = event.index();
            }
            assertThat(index).isNotNegative();
            return index;
        }

        @Override
        public void close() {
            session.close();
            ram.close();
            device.close();
        }
    }

    private List<UUID> blobs(boolean host) throws IOException {
        List<UUID> names = new ArrayList<>();
        for (int i = 1; i <= BLOBS; i++) {
            if (host) gpu.driver().createHostBlob(i, SHOWN.end()).ok();
            else gpu.driver().createBlob(i, SHOWN.end(), gpu.ram().allocateScattered(SHOWN.end())).ok();
            gpu.driver().setScanoutBlob(0, i, SHOWN.all(), SHOWN).ok();
            names.add(gpu.driver().uuid(i));
        }
        return names;
    }

    private int[] shown(int resource, int updates) throws IOException {
        gpu.driver().setScanoutBlob(0, resource, SHOWN.all(), SHOWN).ok();
        gpu.driver().flush(resource, SHOWN.all()).ok();
        gpu.display().await(Update.class, updates);
        return gpu.display().picture(0).pixels();
    }

    /** The pixels that are samples of luma: 0xRRGGBB of bytes B, G, R, X. */
    private static void check(int[] pixels, int seed) {
        for (int y = 0; y < SIDE * STRIDE / (4 * W); y++) {
            for (int x = 0; x < W; x++) {
                int column = 4 * x % STRIDE;
                int line = (4 * W * y + 4 * x) / STRIDE;
                if (column >= SIDE) continue;
                int expected = 0;
                for (int i = 2; i >= 0; i--)
                    expected = expected << 8 | (PlainUnits.sample(seed, 0, column + i, line) & 0xff);
                assertThat(pixels[y * W + x] & 0xffffff).as("pixel %d, %d of picture %d", x, y, seed)
                        .isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({ "false, coherent", "true, coherent", "false, non-coherent", "true, non-coherent" })
    void picturesAreDecodedIntoBlobsAndShown(boolean host, String coherency) throws Exception {
        try (Codec codec = new Codec(coherency)) {
            List<UUID> names = blobs(host);
            assertThat(codec.driver.request(codec.id, MediaDriver.CAPTURE, BLOBS, V4l2.MEMORY_DMABUF)).isEqualTo(BLOBS);
            assertThat(codec.driver.stream(codec.id, MediaDriver.CAPTURE, true)).isZero();
            assertThat(codec.capture(0, NONE)).isEqualTo(Errno.EINVAL);
            for (int i = 0; i < BLOBS; i++) assertThat(codec.capture(i, names.get(i))).isZero();
            for (int n = 1; n <= PICTURES; n++) {
                int index = codec.decode(n);
                check(shown(index + 1, n), n);
                assertThat(codec.capture(index, names.get(index))).isZero();
            }
            assertThat(findings.errors()).isEmpty();
            assertThat(core.bouncedBytes()).isZero();
            codec.driver.close(codec.id);
            String report = codec.device.end();
            if (coherency.equals("coherent"))
                assertThat(report).as("no byte is copied")
                        .containsPattern("\"copiedBytes\": *\\{\\s*\"pictures\": 0\\b");
        }
        assertThat(findings.errors()).isEmpty();
    }

    /** What the GPU takes away is not written any more: an error of that buffer, and of no other. */
    @Test
    void aBlobThatEndsIsAnErrorOfItsBuffer() throws Exception {
        try (Codec codec = new Codec("coherent")) {
            List<UUID> names = blobs(false);
            assertThat(codec.driver.request(codec.id, MediaDriver.CAPTURE, 2, V4l2.MEMORY_DMABUF)).isEqualTo(2);
            assertThat(codec.driver.stream(codec.id, MediaDriver.CAPTURE, true)).isZero();
            assertThat(codec.capture(0, names.get(0))).isZero();
            assertThat(codec.decode(1)).isZero();
            gpu.driver().unref(1).ok();
            assertThat(codec.capture(0, names.get(0))).isEqualTo(Errno.EINVAL);
            assertThat(codec.capture(0, names.get(1))).isZero();
            assertThat(codec.decode(2)).isZero();
            check(shown(2, 1), 2);
        }
    }

    /** An object of one page is no picture, whatever length the client says of it; nor is a name that nobody has. */
    @Test
    void anObjectThatIsTooSmallIsRefused() throws Exception {
        try (Codec codec = new Codec("coherent")) {
            assertThat(codec.driver.request(codec.id, MediaDriver.CAPTURE, 1, V4l2.MEMORY_DMABUF)).isEqualTo(1);
            gpu.driver().createBlob(9, SMALL, gpu.ram().allocateScattered(SMALL)).ok();
            UUID name = gpu.driver().uuid(9);
            assertThat(codec.capture(0, name)).isEqualTo(Errno.EINVAL);
            for (int length : new int[]{ SMALL, 2 * SMALL, 1 << 20, -1 }) {
                ByteBuffer buffer = MediaDriver.little(Struct.Buffer.BYTES + Struct.Plane.BYTES + Struct.UUID_BYTES)
                        .put(MediaDriver.buffer(MediaDriver.CAPTURE, 0, V4l2.MEMORY_DMABUF, 1).putInt(92, length))
                        .putLong(Long.reverseBytes(name.getMostSignificantBits()))
                        .putLong(Long.reverseBytes(name.getLeastSignificantBits())).rewind();
                assertThat(codec.driver.call(codec.id, Ioctl.QBUF, buffer)).as("%d bytes", length)
                        .isEqualTo(Errno.EINVAL);
            }
            assertThat(codec.capture(0, NONE)).isEqualTo(Errno.EINVAL);
            gpu.driver().unref(9).ok();
        }
        assertThat(findings.errors()).isEmpty();
    }

    /** The other way: the codec's frames are resources of the GPU, by the UUIDs of EXPBUF. */
    @ParameterizedTest
    @CsvSource({ "coherent", "non-coherent" })
    void decodedFramesAreResourcesOfTheGpu(String coherency) throws Exception {
        try (Codec codec = new Codec(coherency)) {
            assertThat(codec.driver.request(codec.id, MediaDriver.CAPTURE, BLOBS, V4l2.MEMORY_MMAP)).isEqualTo(BLOBS);
            assertThat(codec.driver.stream(codec.id, MediaDriver.CAPTURE, true)).isZero();
            for (int i = 0; i < BLOBS; i++) {
                UUID name = codec.export(i);
                gpu.driver().createOfObject(i + 1, name, SHOWN.end()).ok();
                assertThat(gpu.driver().uuid(i + 1)).as("the codec's name").isEqualTo(name);
                assertThat(codec.driver.queue(codec.id, MediaDriver.CAPTURE, i, 0, 0)).isZero();
            }
            for (int n = 1; n <= PICTURES; n++) {
                int index = codec.decode(n);
                check(shown(index + 1, n), n);
                assertThat(codec.driver.queue(codec.id, MediaDriver.CAPTURE, index, 0, 0)).isZero();
            }
            assertThat(findings.errors()).isEmpty();
            assertThat(core.bouncedBytes()).isZero();
            assertThat(backEnd.statistic(GpuStatistics::transferBytes)).isZero();
            assertThat(backEnd.statistic(GpuStatistics::movedBytes)).isZero();
            // What the codec frees, the GPU goes on showing.
            assertThat(codec.driver.stream(codec.id, MediaDriver.CAPTURE, false)).isZero();
            assertThat(codec.driver.request(codec.id, MediaDriver.CAPTURE, 0, V4l2.MEMORY_MMAP)).isZero();
            gpu.driver().flush(1, SHOWN.all()).ok();
            for (int i = 1; i <= BLOBS; i++) gpu.driver().unref(i).ok();
            String report = codec.device.end();
            assertThat(report).containsPattern("\"copiedBytes\": *\\{\\s*\"pictures\": 0\\b");
        }
        assertThat(findings.errors()).isEmpty();
    }

    /** A session closes while its frame is on the screen, and then the codec ends: what is shown stays until its resource is destroyed. */
    @Test
    void aFrameOutlivesItsSessionAndItsCodec() throws Exception {
        UUID shownName;
        try (Codec codec = new Codec("coherent")) {
            assertThat(codec.driver.request(codec.id, MediaDriver.CAPTURE, BLOBS, V4l2.MEMORY_MMAP)).isEqualTo(BLOBS);
            assertThat(codec.driver.stream(codec.id, MediaDriver.CAPTURE, true)).isZero();
            List<UUID> names = new ArrayList<>();
            for (int i = 0; i < BLOBS; i++) {
                names.add(codec.export(i));
                assertThat(codec.driver.queue(codec.id, MediaDriver.CAPTURE, i, 0, 0)).isZero();
            }
            shownName = names.get(codec.decode(1));
            gpu.driver().createOfObject(1, shownName, SHOWN.end()).ok();
            check(shown(1, 1), 1);
            codec.driver.close(codec.id);
            assertThat(core.exported().find(shownName)).as("nobody else finds it").isNull();
            check(shown(1, 2), 1);
            codec.device.end();
        }
        check(shown(1, 3), 1);
        assertThat(core.buffers()).as("what the GPU keeps").hasSize(1);
        gpu.driver().unref(1).ok();
        assertThat(core.buffers()).isEmpty();
        assertThat(findings.errors()).isEmpty();
    }

    /** Three devices of one frame: one that does not snoop draws over the codec's picture, and the GPU shows it. */
    @Test
    void whoDoesNotHandOverAFrameIsNamedAndTheGpuShowsTheFrameBefore() throws Exception {
        try (Codec codec = new Codec("coherent"); Painter painter = new Painter()) {
            assertThat(codec.driver.request(codec.id, MediaDriver.CAPTURE, 1, V4l2.MEMORY_MMAP)).isEqualTo(1);
            UUID name = codec.export(0);
            assertThat(painter.tell(ImportingDevice.IMPORT, 0, name)).isEqualTo(ImportingDevice.DONE);
            gpu.driver().createOfObject(1, name, SHOWN.end()).ok();
            assertThat(painter.tell(ImportingDevice.FILL, 1, NONE)).isEqualTo(ImportingDevice.DONE);
            assertThat(shown(1, 1)).containsOnly(0x010101);
            assertThat(findings.errors()).isEmpty();
            assertThat(painter.tell(ImportingDevice.FILL_AND_KEEP, 2, NONE)).isEqualTo(ImportingDevice.DONE);
            assertThat(shown(1, 2)).containsOnly(0x010101);
            assertThat(findings.errors()).anySatisfy(finding -> {
                assertThat(finding.rule()).isEqualTo(Rule.MISSING_SYNC_FOR_CPU);
                assertThat(finding.toString()).contains("importer", "frame");
            });
            assertThat(painter.tell(ImportingDevice.DROP, 0, NONE)).isEqualTo(ImportingDevice.DONE);
        }
    }

    /** A device without snooping that writes what others export. */
    private final class Painter implements AutoCloseable {
        private final ServedDevice device;
        private final GuestRam ram = GuestRam.single(1 << 20, 1);
        private final VirtioPciSession session;
        private final CommandQueue queue;

        Painter() throws Exception {
            device = new ServedDevice(core, ImportingDevice.provider(), "transport", "vfio-user", "coherency",
                    "non-coherent");
            session = new VirtioPciSession(device.client(), ram,
                    VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 16);
            session.attach();
            session.start(null);
            queue = new CommandQueue(session.queue(0), ram);
        }

        byte tell(byte kind, int value, UUID object) throws IOException {
            return queue.await(queue.send(ImportingDevice.command(kind, value, object), 1)).get(0);
        }

        @Override
        public void close() {
            session.close();
            ram.close();
            device.close();
        }
    }

    @Test
    void aBufferOfTheArenaIsAnObjectOfOthersUntilItIsFreed() throws Exception {
        try (Codec codec = new Codec("coherent");
                ServedDevice other = new ServedDevice(core, ImportingDevice.provider(), "transport", "vfio-user");
                GuestRam ram = GuestRam.single(1 << 20, 1);
                VirtioPciSession session = new VirtioPciSession(other.client(), ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 16)) {
            session.attach();
            session.start(null);
            CommandQueue queue = new CommandQueue(session.queue(0), ram);
            assertThat(codec.driver.request(codec.id, MediaDriver.CAPTURE, 1, V4l2.MEMORY_MMAP)).isEqualTo(1);
            ByteBuffer asked = MediaDriver.little(Struct.ExportBuffer.BYTES + Struct.UUID_BYTES)
                    .putInt(0, MediaDriver.CAPTURE);
            assertThat(codec.driver.call(codec.id, Ioctl.EXPBUF, asked)).isZero();
            UUID name = new UUID(Long.reverseBytes(asked.getLong(64)), Long.reverseBytes(asked.getLong(72)));
            assertThat(codec.driver.call(codec.id, Ioctl.EXPBUF, asked)).isZero();
            assertThat(Long.reverseBytes(asked.getLong(64))).as("the same").isEqualTo(name.getMostSignificantBits());
            assertThat(queue.await(queue.send(ImportingDevice.command(ImportingDevice.IMPORT, 0, name), 1)).get(0))
                    .isEqualTo(ImportingDevice.DONE);
            assertThat(queue.await(queue.send(ImportingDevice.command(ImportingDevice.FILL, 7, NONE), 1)).get(0))
                    .isEqualTo(ImportingDevice.DONE);
            int offset = codec.driver.query(codec.id, MediaDriver.CAPTURE, 0).getInt(96);
            assertThat(codec.session.client().read32(4, offset + 4096)).isEqualTo(0x07070707);
            assertThat(codec.driver.call(codec.id, Ioctl.EXPBUF, asked.putInt(8, 1))).isEqualTo(Errno.EINVAL);
            assertThat(codec.driver.request(codec.id, MediaDriver.CAPTURE, 0, V4l2.MEMORY_MMAP)).isZero();
            assertThat(core.exported().find(name)).isNull();
            assertThat(queue.await(queue.send(ImportingDevice.command(ImportingDevice.FILL, 9, NONE), 1)).get(0))
                    .as("who has it keeps it").isEqualTo(ImportingDevice.DONE);
            assertThat(queue.await(queue.send(ImportingDevice.command(ImportingDevice.DROP, 0, NONE), 1)).get(0))
                    .isEqualTo(ImportingDevice.DONE);
            assertThat(findings.errors()).isEmpty();
        }
    }
}
