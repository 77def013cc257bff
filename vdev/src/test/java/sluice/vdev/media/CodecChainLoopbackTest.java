package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.dmacore.trace.SwitchedSink;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;
import sluice.dmacore.trace.recording.Missed;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.ImportingDevice;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.profile.CostModel;
import sluice.vdev.profile.DeviceProfile;
import sluice.vdev.profile.Profile;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.profile.RequestKind;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Four devices of one process, each with a table of its own: one draws into the encoder's buffer, the decoder reads the encoder's
 * and writes into a blob of the GPU, which shows it. Buffers are named by UUIDs only, and no picture is copied.
 */
@Tag("loopback")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CodecChainLoopbackTest {
    private static final int W = 64;
    private static final int H = 48;
    private static final GpuBlobPicture SHOWN = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H);
    private static final int SIDE = 64;
    private static final int STRIDE = 128;
    private static final int BLOBS = 5;
    private static final int PICTURES = 8;
    private static final UUID NONE = new UUID(0, 0);

    private final Findings findings = new Findings();
    private final SwitchedSink trace = new SwitchedSink();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting().withTrace(trace)
            .withExecutor(new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy())), findings);
    private GpuBackEnd backEnd;
    private AttachedGpu gpu;

    @BeforeEach
    void start() throws IOException {
        backEnd = GpuBackEnd.withHostBlobs(core, Stream.COHERENT, 1 << 20);
        gpu = AttachedGpu.startWithBlobs(backEnd, GuestVariant.overVfioUser().toList().getFirst());
    }

    @AfterEach
    void end() throws IOException {
        gpu.close();
        assertThat(core.exported().count()).isZero();
        backEnd.close();
    }

    /** A device with the driver of its own machine. */
    private class Attached implements AutoCloseable {
        final ServedDevice device;
        final GuestRam ram = GuestRam.single(1 << 20, 1);
        final VirtioPciSession session;

        Attached(DeviceProvider provider, int queues, String... options) throws Exception {
            device = new ServedDevice(core, provider, options);
            int[] sizes = new int[queues];
            Arrays.fill(sizes, 64);
            session = new VirtioPciSession(device.client(), ram,
                    VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, sizes);
            session.attach();
            session.start(null);
        }

        @Override
        public void close() {
            session.close();
            ram.close();
            device.close();
        }
    }

    private final class Codec extends Attached {
        private final MediaDriver driver;
        private final int id;

        Codec(String coherency, boolean encoder) throws Exception {
            super(new CodecProvider(), 2, encoder
                    ? new String[]{ "transport", "vfio-user", "test-coding", "", "arena", "8", "encoder", "" }
                    : new String[]{ "transport", "vfio-user", "test-coding", "", "arena", "8", "coherency",
                            coherency });
            driver = new MediaDriver(session);
            id = driver.open();
        }

        void setUp(int type, int buffers, int memory) throws IOException {
            assertThat(driver.request(id, type, buffers, memory)).isEqualTo(buffers);
            assertThat(driver.stream(id, type, true)).isZero();
        }

        UUID export(int type) throws IOException {
            ByteBuffer asked = MediaDriver.little(Struct.ExportBuffer.BYTES + Struct.UUID_BYTES).putInt(0, type);
            assertThat(driver.call(id, Ioctl.EXPBUF, asked)).isZero();
            return new UUID(Long.reverseBytes(asked.getLong(64)), Long.reverseBytes(asked.getLong(72)));
        }

        void queueObject(int type, int index, int used, long seconds, UUID name) throws IOException {
            ByteBuffer buffer = MediaDriver.little(Struct.Buffer.BYTES + Struct.Plane.BYTES + Struct.UUID_BYTES)
                    .put(MediaDriver.buffer(type, index, V4l2.MEMORY_DMABUF, 1)).rewind();
            int at = Struct.Buffer.BYTES + Struct.Plane.BYTES;
            buffer.putInt(88, used).putLong(24, seconds);
            buffer.putLong(at, Long.reverseBytes(name.getMostSignificantBits()));
            buffer.putLong(at + 8, Long.reverseBytes(name.getLeastSignificantBits()));
            assertThat(driver.call(id, Ioctl.QBUF, buffer)).isZero();
        }

        /** The event of the CAPTURE buffer; that of OUTPUT comes before or after it. */
        MediaDriver.Event captured() throws IOException {
            MediaDriver.Event found = null;
            for (int i = 0; i < 2; i++) {
                MediaDriver.Event event = driver.event();
                assertThat(event.flags() & V4l2.BUF_ERROR).isZero();
                if (event.type() == MediaDriver.CAPTURE) found = event;
            }
            assertThat(found).isNotNull();
            return Objects.requireNonNull(found);
        }
    }

    private final class Chain implements AutoCloseable {
        private final Attached painter;
        private final CommandQueue paint;
        private final Codec encoder;
        private final Codec decoder;
        private final UUID[] blobs = new UUID[BLOBS];
        private final UUID unit;

        Chain(String painterCoherency, String decoderCoherency) throws Exception {
            painter = new Attached(ImportingDevice.provider(), 1, "transport", "vfio-user", "coherency",
                    painterCoherency);
            paint = new CommandQueue(painter.session.queue(0), painter.ram);
            encoder = new Codec("coherent", true);
            assertThat(encoder.driver.setFormat(encoder.id, MediaDriver.CAPTURE, "SLPL", SIDE, SIDE)).isZero();
            assertThat(encoder.driver.setFormat(encoder.id, MediaDriver.OUTPUT, "YU12", SIDE, SIDE)).isZero();
            encoder.setUp(MediaDriver.OUTPUT, 1, V4l2.MEMORY_MMAP);
            encoder.setUp(MediaDriver.CAPTURE, 1, V4l2.MEMORY_MMAP);
            assertThat(paint(ImportingDevice.command(ImportingDevice.IMPORT, 0, encoder.export(MediaDriver.OUTPUT))))
                    .isEqualTo(ImportingDevice.DONE);
            unit = encoder.export(MediaDriver.CAPTURE);
            decoder = new Codec(decoderCoherency, false);
            assertThat(decoder.driver.setFormat(decoder.id, MediaDriver.OUTPUT, "SLPL", SIDE, SIDE)).isZero();
            decoder.setUp(MediaDriver.OUTPUT, 1, V4l2.MEMORY_DMABUF);
            decoder.setUp(MediaDriver.CAPTURE, BLOBS, V4l2.MEMORY_DMABUF);
            for (int i = 0; i < BLOBS; i++) {
                gpu.driver().createBlob(i + 1, SHOWN.end(), gpu.ram().allocateScattered(SHOWN.end())).ok();
                gpu.driver().setScanoutBlob(0, i + 1, SHOWN.all(), SHOWN).ok();
                blobs[i] = gpu.driver().uuid(i + 1);
                decoder.queueObject(MediaDriver.CAPTURE, i, 0, 0, blobs[i]);
            }
        }

        private byte paint(ByteBuffer command) throws IOException {
            return paint.await(paint.send(command, 1)).get(0);
        }

        /** One picture through all devices; its pixels as shown. */
        int[] show(byte kind, int value, int updates) throws IOException {
            assertThat(paint(ImportingDevice.command(kind, value, NONE))).isEqualTo(ImportingDevice.DONE);
            assertThat(encoder.driver.queue(encoder.id, MediaDriver.CAPTURE, 0, 0, 0)).isZero();
            assertThat(encoder.driver.queue(encoder.id, MediaDriver.OUTPUT, 0, SIDE * SIDE * 3 / 2, value)).isZero();
            MediaDriver.Event coded = encoder.captured();
            decoder.queueObject(MediaDriver.OUTPUT, 0, coded.used(), coded.seconds(), unit);
            MediaDriver.Event picture = decoder.captured();
            assertThat(picture.seconds()).isEqualTo(value);
            int blob = picture.index() + 1;
            gpu.driver().setScanoutBlob(0, blob, SHOWN.all(), SHOWN).ok();
            gpu.driver().flush(blob, SHOWN.all()).ok();
            gpu.display().await(Update.class, updates);
            int[] pixels = gpu.display().picture(0).pixels();
            decoder.queueObject(MediaDriver.CAPTURE, picture.index(), 0, 0, blobs[picture.index()]);
            return pixels;
        }

        @Override
        public void close() throws IOException {
            assertThat(paint(ImportingDevice.command(ImportingDevice.DROP, 0, NONE))).isEqualTo(ImportingDevice.DONE);
            decoder.close();
            encoder.close();
            painter.close();
        }
    }

    private static void check(int[] pixels, int value) {
        for (int y = 0; y < SIDE * STRIDE / (4 * W); y++) {
            for (int x = 0; x < W; x++) {
                if (4 * x % STRIDE < SIDE)
                    assertThat(pixels[y * W + x] & 0xffffff).as("pixel %d, %d", x, y).isEqualTo(value * 0x10101);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({ "coherent, coherent", "non-coherent, coherent", "coherent, non-coherent" })
    void picturesGoThroughFourDevices(String painter, String decoder) throws Exception {
        String encoded;
        String decoded;
        try (Chain chain = new Chain(painter, decoder)) {
            for (int n = 1; n <= PICTURES; n++) check(chain.show(ImportingDevice.FILL, n, n), n);
            assertThat(findings.errors()).isEmpty();
            assertThat(core.bouncedBytes()).isZero();
            chain.encoder.driver.close(chain.encoder.id);
            chain.decoder.driver.close(chain.decoder.id);
            encoded = chain.encoder.device.end();
            decoded = chain.decoder.device.end();
        }
        assertThat(encoded).containsPattern("\"copiedBytes\": *\\{\\s*\"pictures\": 0\\b");
        if (decoder.equals("coherent"))
            assertThat(decoded).containsPattern("\"copiedBytes\": *\\{\\s*\"pictures\": 0\\b");
    }

    /** One profile of all devices of the process: each has its requests by name, and the one with a screen its frames. */
    @Test
    void aProfileHasEachDeviceWithItsRequests(@TempDir Path folder) throws Exception {
        ProfileFolder files = new ProfileFolder(folder.resolve("profile"));
        files.create();
        try (Chain chain = new Chain("coherent", "coherent");
                FlightRecorder recorder = FlightRecorder
                        .start(new RecorderOptions(files.recording(), 1 << 14, 1 << 16))) {
            assertThat(recorder.awaitOpen()).isTrue();
            trace.add(recorder);
            core.nameAll(recorder);
            for (int n = 1; n <= PICTURES; n++) check(chain.show(ImportingDevice.FILL, n, n), n);
            trace.remove(recorder);
        }
        Profile profile = files.write(CostModel.PRESETS);
        assertThat(profile.missed()).isEqualTo(Missed.NOTHING);
        Map<String, Map<String, Long>> counts = new TreeMap<>();
        for (DeviceProfile device : profile.devices()) {
            for (RequestKind kind : device.requests())
                counts.computeIfAbsent(device.name(), _ -> new TreeMap<>()).merge(kind.name(), kind.total().count(),
                        Long::sum);
        }
        // Both codecs have the provider's name, and a thread each.
        assertThat(profile.devices()).extracting(DeviceProfile::name).containsExactlyInAnyOrder("gpu", "codec",
                "codec", "importer");
        assertThat(counts.get("gpu")).containsEntry("RESOURCE_FLUSH", (long) PICTURES);
        // A picture is a buffer of each queue of the encoder and of the decoder, which sends an event for each.
        assertThat(counts.get("codec")).containsEntry("QBUF", 4L * PICTURES).containsEntry("request", 4L * PICTURES);
        assertThat(profile.devices()).filteredOn(device -> device.name().equals("gpu")).first()
                .extracting(DeviceProfile::frameCount).isEqualTo((long) PICTURES);
        assertThat(files.report()).content().contains("<h2>gpu</h2>", "<h2>codec</h2>", "QBUF");
    }

    /** The encoder gets what memory has: the picture before, and a finding says which call is missing. */
    @Test
    void aPictureThatIsNotHandedOverIsAFinding() throws Exception {
        try (Chain chain = new Chain("non-coherent", "coherent")) {
            check(chain.show(ImportingDevice.FILL, 1, 1), 1);
            assertThat(findings.errors()).isEmpty();
            check(chain.show(ImportingDevice.FILL_AND_KEEP, 2, 2), 1);
            assertThat(findings.errors()).anySatisfy(finding -> {
                assertThat(finding.rule()).isEqualTo(Rule.MISSING_SYNC_FOR_CPU);
                assertThat(finding.toString()).contains("importer");
            });
        }
    }
}
