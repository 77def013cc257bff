package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.ImportingDevice;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * One buffer of two devices in a process: the GPU shows its blob, which another device finds by its UUID and writes in
 * place, through a table of its own. The core has all of the ownership.
 */
@Tag("loopback")
@Tag("S41")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
@ParameterizedClass
@EnumSource
class SharedObjectLoopbackTest {
    private static final int W = 64;
    private static final int H = 48;
    private static final GpuBlobPicture PICTURE = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H);
    private static final long SIZE = PICTURE.end();
    private static final long WINDOW = 1 << 20;
    private static final UUID NONE = new UUID(0, 0);

    /** The blob's memory. */
    enum Memory {
        GUEST,
        HOST
    }

    private final Memory memory;
    private final Findings findings = new Findings();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting()
            .withExecutor(new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy())), findings);
    private GpuBackEnd backEnd;
    private AttachedGpu gpu;

    SharedObjectLoopbackTest(Memory memory) {
        this.memory = memory;
    }

    @BeforeEach
    void start() throws IOException {
        backEnd = GpuBackEnd.withHostBlobs(core, Stream.COHERENT, WINDOW);
        gpu = AttachedGpu.startWithBlobs(backEnd, GuestVariant.overVfioUser().toList().getFirst());
        gpu.driver().createContext(1).ok();
    }

    /** The other device, with the driver of its own machine, which has imported blob 1. */
    private final class Importer implements AutoCloseable {
        private final ServedDevice device;
        private final GuestRam ram = GuestRam.single(1 << 20, 1);
        private final VirtioPciSession session;
        private final CommandQueue queue;

        Importer(String coherency) throws Exception {
            device = new ServedDevice(core, ImportingDevice.provider(), "transport", "vfio-user", "coherency",
                    coherency);
            session = new VirtioPciSession(device.client(), ram,
                    VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 16);
            session.attach();
            session.start(null);
            queue = new CommandQueue(session.queue(0), ram);
            blob(1);
            assertThat(tell(ImportingDevice.IMPORT, gpu.driver().uuid(1))).isEqualTo(ImportingDevice.DONE);
        }

        byte tell(byte kind, int value) throws IOException {
            return tell(ImportingDevice.command(kind, value, NONE));
        }

        byte tell(byte kind, UUID object) throws IOException {
            return tell(ImportingDevice.command(kind, 0, object));
        }

        private byte tell(ByteBuffer command) throws IOException {
            return queue.await(queue.send(command, 1)).get(0);
        }

        @Override
        public void close() {
            session.close();
            ram.close();
            device.close();
        }
    }

    private void blob(int resource) throws IOException {
        if (memory == Memory.HOST) gpu.driver().createHostBlob(resource, SIZE).ok();
        else gpu.driver().createBlob(resource, SIZE, pages()).ok();
        gpu.driver().setScanoutBlob(0, resource, PICTURE.all(), PICTURE).ok();
    }

    private List<Buffer> pages() throws IOException {
        return gpu.ram().allocateScattered(SIZE);
    }

    @AfterEach
    void end() throws IOException {
        gpu.close();
        assertThat(core.exported().count()).isZero();
        backEnd.close();
    }

    private int[] flushed(int updates) throws IOException {
        gpu.driver().flush(1, PICTURE.all()).ok();
        gpu.display().await(Update.class, updates);
        return gpu.display().picture(0).pixels();
    }

    private static int pixel(int value) {
        return value * 0x10101;
    }

    private void framesAreRight(String coherency) throws Exception {
        try (Importer other = new Importer(coherency)) {
            for (int frame = 1; frame <= 5; frame++) {
                assertThat(other.tell(ImportingDevice.FILL, frame)).isEqualTo(ImportingDevice.DONE);
                assertThat(flushed(frame)).containsOnly(pixel(frame));
            }
            assertThat(findings.errors()).isEmpty();
            assertThat(backEnd.statistic(GpuStatistics::transferBytes)).isZero();
            assertThat(backEnd.statistic(GpuStatistics::movedBytes)).isZero();
            assertThat(core.bouncedBytes()).isZero();
            assertThat(other.tell(ImportingDevice.DROP, 0)).isEqualTo(ImportingDevice.DONE);
            gpu.driver().unref(1).ok();
            assertThat(findings.errors()).isEmpty();
        }
    }

    @Test
    void framesThatAreHandedOverAreShownWithoutACopy() throws Exception {
        framesAreRight("coherent");
    }

    @Test
    void framesOfADeviceThatDoesNotSnoopToo() throws Exception {
        framesAreRight("non-coherent");
    }

    /** The GPU shows what memory has: the frame before, and a finding says which call is missing. */
    @Test
    void aFrameThatIsNotHandedOverIsAFinding() throws Exception {
        try (Importer other = new Importer("non-coherent")) {
            assertThat(other.tell(ImportingDevice.FILL, 1)).isEqualTo(ImportingDevice.DONE);
            assertThat(flushed(1)).containsOnly(pixel(1));
            assertThat(findings.errors()).isEmpty();
            assertThat(other.tell(ImportingDevice.FILL_AND_KEEP, 2)).isEqualTo(ImportingDevice.DONE);
            assertThat(flushed(2)).containsOnly(pixel(1));
            assertThat(findings.errors()).anySatisfy(finding -> {
                assertThat(finding.rule()).isEqualTo(Rule.MISSING_SYNC_FOR_CPU);
                assertThat(finding.toString()).contains("importer", "resource 1");
            });
        }
    }

    /** Between two devices that snoop there is no cache: no byte is old, and nothing is found. */
    @Test
    void aDeviceThatSnoopsNeedsNoHandOverForItsBytes() throws Exception {
        try (Importer other = new Importer("coherent")) {
            assertThat(other.tell(ImportingDevice.FILL_AND_KEEP, 2)).isEqualTo(ImportingDevice.DONE);
            assertThat(flushed(1)).containsOnly(pixel(2));
            assertThat(findings.errors()).isEmpty();
        }
    }

    @Test
    void anObjectEndsWithItsResourceAlsoForOthers() throws Exception {
        try (Importer other = new Importer("coherent")) {
            assertThat(other.tell(ImportingDevice.IMPORT, NONE)).isEqualTo(ImportingDevice.NOT_FOUND);
            UUID name = gpu.driver().uuid(1);
            gpu.driver().unref(1).ok();
            assertThat(other.tell(ImportingDevice.FILL, 1)).as("its mapping has been taken away")
                    .isEqualTo(ImportingDevice.REFUSED);
            assertThat(other.tell(ImportingDevice.DROP, 0)).isEqualTo(ImportingDevice.DONE);
            assertThat(other.tell(ImportingDevice.IMPORT, name)).isEqualTo(ImportingDevice.NOT_FOUND);
            blob(1);
            name = gpu.driver().uuid(1);
            assertThat(other.tell(ImportingDevice.IMPORT, name)).isEqualTo(ImportingDevice.DONE);
            assertThat(other.tell(ImportingDevice.FILL, 3)).isEqualTo(ImportingDevice.DONE);
            assertThat(flushed(1)).containsOnly(pixel(3));
        }
    }

    /** What another device still uses is not given to the next blob, nor moved. */
    @Test
    void hostMemoryStaysInPlaceWhileAnotherDeviceUsesIt() throws Exception {
        try (Importer other = new Importer("coherent")) {
            if (memory == Memory.GUEST) {
                gpu.driver().detachBacking(1).ok();
                assertThat(other.tell(ImportingDevice.FILL, 1)).as("the guest has its pages again")
                        .isEqualTo(ImportingDevice.REFUSED);
                return;
            }
            long place = WINDOW - 3 * 4096;
            gpu.driver().mapBlob(1, 0).requireType(GpuWire.RESP_ERR_UNSPEC);
            gpu.driver().mapBlob(1, place).requireType(GpuWire.RESP_OK_MAP_INFO);
            gpu.driver().unref(1).ok();
            gpu.driver().createHostBlob(2, SIZE).ok();
            gpu.driver().mapBlob(2, place).requireType(GpuWire.RESP_ERR_UNSPEC);
            assertThat(other.tell(ImportingDevice.DROP, 0)).isEqualTo(ImportingDevice.DONE);
            gpu.driver().mapBlob(2, place).requireType(GpuWire.RESP_OK_MAP_INFO);
            gpu.driver().setScanoutBlob(0, 2, GpuRect.of(W, H), PICTURE).ok();
        }
    }
}
