package sluice.vdev.grabber;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.loopback.ObjectScreen;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.ServedDevice;
import sluice.vdev.serve.WitnessedProcess;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The grabber's last picture is a resource of the GPU of the same process, by its UUID, where the grabber has written it. */
@Tag("loopback")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ExportedPictureLoopbackTest {
    private static final UUID NAME = UUID.fromString("5f0c7d1e-93a4-4b62-8d2f-1b7e90c4a6d3");
    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;
    private static final int BYTES = WIDTH * HEIGHT;
    /** Four grey pixels in one of the GPU's. */
    private static final GpuBlobPicture SHOWN = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, WIDTH / 4, HEIGHT);
    private static final long RAM = 16L << 20;
    private static final long MESSAGE = 64L << 10;
    private static final long[] BUFFERS = { 1L << 20, 2L << 20, 3L << 20 };
    private static final String FAST = "500";

    private final Findings findings = new Findings();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting()
            .withExecutor(new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy())), findings);
    private ObjectScreen screen;
    private GuestRam ram;

    @BeforeEach
    void start() throws IOException {
        screen = new ObjectScreen(core);
        ram = GuestRam.single(RAM, 1);
    }

    @AfterEach
    void end() throws IOException {
        screen.close();
        ram.close();
        assertThat(core.exported().count()).as("exported objects").isZero();
    }

    private ServedDevice serveGrabber() throws IOException, WrongOptionException {
        return new ServedDevice(core, new GrabberProvider(), "export", NAME.toString(), "fps", FAST);
    }

    private void map(VfioUserClient client) throws IOException {
        assertThat(client.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
    }

    private static int[] pixels(long frame) {
        byte[] bytes = new byte[BYTES];
        new TestPattern().fill(frame, WIDTH, HEIGHT, bytes);
        int[] pixels = new int[BYTES / 4];
        for (int i = 0; i < pixels.length; i++)
            pixels[i] = (bytes[4 * i] & 0xff) | (bytes[4 * i + 1] & 0xff) << 8 | (bytes[4 * i + 2] & 0xff) << 16;
        return pixels;
    }

    private void makeResource() throws IOException {
        screen.show(NAME, BYTES, SHOWN);
    }

    private int[] flushed() throws IOException {
        return screen.flushed();
    }

    @Test
    void eachPictureIsShownWhereTheGrabberHasWrittenIt() throws Exception {
        try (ServedDevice grabber = serveGrabber();
                VfioUserClient client = grabber.client();
                GrabberDriver driver = new GrabberDriver(client)) {
            map(client);
            driver.start(BUFFERS[0], WIDTH);
            long heap = 0;
            for (int frame = 0; frame < 4 * BUFFERS.length; frame++) {
                driver.awaitPicture();
                if (frame == 0) makeResource();
                assertThat(flushed()).as("frame %d", frame).isEqualTo(pixels(frame));
                if (frame == BUFFERS.length) heap = screen.heap();
                if (frame > BUFFERS.length)
                    assertThat(screen.heap()).as("it knows all buffers").isEqualTo(heap);
                // The driver gives its buffers by turns.
                driver.aim(BUFFERS[(frame + 1) % BUFFERS.length], WIDTH);
                driver.acknowledge();
            }
            assertThat(screen.driver().uuid(ObjectScreen.RESOURCE)).isEqualTo(NAME);
            assertThat(findings.errors()).isEmpty();
            assertThat(core.bouncedBytes()).as("bytes bounced").isZero();
            assertThat(screen.backEnd().statistic(GpuStatistics::transferBytes)).as("bytes transferred").isZero();
            assertThat(screen.backEnd().statistic(GpuStatistics::movedBytes)).as("bytes moved").isZero();
            screen.drop();
        }
    }

    /** A part of another buffer is flushed: the screen shows all of it, because all of it is new. */
    @Test
    void anotherBufferIsNewAsAWhole() throws Exception {
        try (ServedDevice grabber = serveGrabber();
                VfioUserClient client = grabber.client();
                GrabberDriver driver = new GrabberDriver(client)) {
            map(client);
            driver.start(BUFFERS[0], WIDTH);
            driver.awaitPicture();
            makeResource();
            assertThat(flushed()).isEqualTo(pixels(0));
            driver.aim(BUFFERS[1], WIDTH);
            driver.acknowledge();
            driver.awaitPicture();
            assertThat(screen.flushed(new GpuRect(3, 5, 1, 1))).isEqualTo(pixels(1));
        }
    }

    /** What the guest's program reads: lspci -vvv shows it, too. */
    @Test
    void theNameIsInItsConfigurationSpace() throws Exception {
        try (ServedDevice grabber = serveGrabber(); VfioUserClient client = grabber.client()) {
            int at = client.read32(VfioUserClient.CONFIG_REGION, 0x34) & 0xff;
            assertThat(client.read32(VfioUserClient.CONFIG_REGION, at)).as("vendor-specific, the last, 24 bytes")
                    .isEqualTo(0x180009);
            assertThat(client.read32(VfioUserClient.CONFIG_REGION, at + 4)).as("SO").isEqualTo(0x4f53);
            ByteBuffer uuid = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 8; i < 24; i += 4) uuid.putInt(client.read32(VfioUserClient.CONFIG_REGION, at + i));
            uuid.flip().order(ByteOrder.BIG_ENDIAN);
            assertThat(new UUID(uuid.getLong(), uuid.getLong())).isEqualTo(NAME);
        }
    }

    @Test
    void thePicturesEndWithTheCaptureAndComeAgainWithTheNext() throws Exception {
        try (ServedDevice grabber = serveGrabber();
                VfioUserClient client = grabber.client();
                GrabberDriver driver = new GrabberDriver(client)) {
            map(client);
            screen.driver().createOfObject(ObjectScreen.RESOURCE, NAME, BYTES)
                    .requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
            driver.start(BUFFERS[0], WIDTH);
            driver.awaitPicture();
            makeResource();
            assertThat(flushed()).isEqualTo(pixels(0));
            driver.stop();
            assertThat(core.exported().find(NAME)).isNull();
            for (int i = 0; i < 2; i++)
                screen.flush().requireType(GpuWire.RESP_ERR_UNSPEC);
            assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.SHOWN_WITHOUT_MEMORY);
            driver.start(BUFFERS[1], WIDTH);
            driver.awaitPicture();
            assertThat(flushed()).isEqualTo(pixels(1));
            assertThat(findings.errors()).hasSize(1);
        }
    }

    private static void unplug(VfioUserClient client) {
        client.close();
    }

    /** RESET of the function, and a front-end that goes as one whose card is unplugged: no byte of its memory is shown any more. */
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void aCardThatIsResetOrGoneIsBlack(boolean gone) throws Exception {
        try (ServedDevice grabber = serveGrabber();
                VfioUserClient client = grabber.client();
                GrabberDriver driver = new GrabberDriver(client)) {
            map(client);
            driver.start(BUFFERS[0], WIDTH);
            driver.awaitPicture();
            makeResource();
            assertThat(flushed()).isEqualTo(pixels(0));
            if (gone) {
                unplug(client);
                Deadline.in(Deadline.USUAL).require(() -> core.exported().count() == 0, "the card to end its object");
            } else {
                assertThat(client.ask(VfioUserClient.RESET, VfioUserClient.body(0)).errno()).isZero();
            }
            assertThat(core.exported().find(NAME)).isNull();
            assertThat(screen.last()).as("nobody has flushed").isEqualTo(pixels(0));
            ram.memory().asSlice(BUFFERS[0], BYTES).fill((byte) 0x5a);
            screen.flush().requireType(GpuWire.RESP_ERR_UNSPEC);
            assertThat(screen.seenByANewDisplay()).containsOnly(0);
            assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.SHOWN_WITHOUT_MEMORY);
            screen.drop();
            assertThat(core.buffers()).as("buffers in the ledger").isEmpty();
        }
    }

    @Test
    void whatIsUnmappedIsShownNoMore() throws Exception {
        try (ServedDevice grabber = serveGrabber();
                VfioUserClient client = grabber.client();
                GrabberDriver driver = new GrabberDriver(client)) {
            for (int i = 0; i < 2; i++)
                assertThat(client.map(BUFFERS[i], BYTES, BUFFERS[i],
                        VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
            driver.start(BUFFERS[0], WIDTH);
            driver.awaitPicture();
            makeResource();
            assertThat(client.unmap(BUFFERS[1], BYTES)).as("another buffer").isZero();
            assertThat(flushed()).isEqualTo(pixels(0));
            assertThat(client.unmap(BUFFERS[0], BYTES)).isZero();
            assertThat(core.exported().find(NAME)).isNull();
            screen.flush().requireType(GpuWire.RESP_ERR_UNSPEC);
            assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.SHOWN_WITHOUT_MEMORY);
        }
    }

    /** More buffers than a driver of Linux has: the oldest are forgotten, here and in the GPU. */
    @Test
    void manyBuffersAreNotKept() throws Exception {
        int buffers = 40;
        try (ServedDevice grabber = serveGrabber();
                VfioUserClient client = grabber.client();
                GrabberDriver driver = new GrabberDriver(client)) {
            map(client);
            driver.start(BUFFERS[0], WIDTH);
            long heap = 0;
            for (int frame = 0; frame < buffers; frame++) {
                driver.awaitPicture();
                if (frame == 0) makeResource();
                assertThat(flushed()).as("frame %d", frame).isEqualTo(pixels(frame));
                if (frame == 32) heap = screen.heap();
                driver.aim(BUFFERS[0] + (frame + 1) * 4096L, WIDTH);
                driver.acknowledge();
            }
            assertThat(screen.heap()).isEqualTo(heap);
            assertThat(findings.errors()).isEmpty();
        }
    }

    /** One ledger: a grabber that does not snoop has a picture that the kernel has not synced, and the GPU's flush finds that. */
    @Test
    void aForgottenSyncIsFoundWhereItIsShown() throws Exception {
        try (WitnessedProcess process = new WitnessedProcess(core, findings, new GrabberProvider(),
                Map.of("coherency", List.of("non-coherent"), "export", List.of(NAME.toString()), "fps", List.of(FAST)));
                VfioUserClient witness = agreed(UnixSocket.connect(process.sockets().getFirst()));
                VfioUserClient client = agreed(UnixSocket.connect(process.sockets().getLast()));
                GrabberDriver driver = new GrabberDriver(client)) {
            map(witness);
            map(client);
            Kernel kernel = new Kernel(witness);
            kernel.tell(Kernel.HELLO);
            kernel.tell(Kernel.MAP);
            driver.start(BUFFERS[0], WIDTH);
            driver.awaitPicture();
            kernel.tell(Kernel.SYNC_FOR_CPU);
            makeResource();
            assertThat(flushed()).isEqualTo(pixels(0));
            assertThat(findings.errors()).as("the right program").isEmpty();
            kernel.tell(Kernel.SYNC_FOR_DEVICE);
            driver.acknowledge();
            driver.awaitPicture();
            assertThat(flushed()).as("the picture before").isEqualTo(pixels(0));
            assertThat(findings.errors()).anySatisfy(finding -> {
                assertThat(finding.rule()).isEqualTo(Rule.MISSING_SYNC_FOR_CPU);
                assertThat(finding.toString()).contains("card", "gpu");
            });
            findings.clear();
            kernel.tell(Kernel.SYNC_FOR_CPU);
            assertThat(flushed()).as("after its sync").isEqualTo(pixels(1));
            assertThat(findings.errors()).isEmpty();
            screen.drop();
        }
    }

    private static VfioUserClient agreed(Fd socket) throws IOException {
        VfioUserClient client = new VfioUserClient(socket);
        client.agree();
        return client;
    }

    /** The guest's kernel, which reports its DMA calls for the one buffer. */
    private final class Kernel {
        static final int HELLO = 1;
        static final int MAP = 2;
        static final int SYNC_FOR_CPU = 4;
        static final int SYNC_FOR_DEVICE = 5;
        private static final int FROM_DEVICE = 2;
        private static final int PAGE_LOW = 0x08;
        private static final int DOORBELL = 0x10;
        private static final int HEADER = 136;
        private final VfioUserClient witness;
        private int sequence;

        Kernel(VfioUserClient witness) throws IOException {
            this.witness = witness;
            witness.write32(VfioUserClient.CONFIG_REGION, 4, 6);
            witness.write32(0, PAGE_LOW, (int) MESSAGE);
            witness.write32(0, PAGE_LOW + 4, 0);
        }

        void tell(int operation) throws IOException {
            int entries = operation == HELLO ? 0 : 1;
            ByteBuffer message = ByteBuffer.allocate(HEADER + 16 * entries).order(ByteOrder.LITTLE_ENDIAN);
            message.putInt(++sequence).putInt(operation).putInt(FROM_DEVICE).putInt(0).putInt(0x0028).putInt(1)
                    .putInt(entries).putInt(0).putInt(entries);
            if (entries > 0) message.putLong(HEADER, BUFFERS[0]).putInt(HEADER + 8, BYTES);
            MemorySegment.copy(message.array(), 0, ram.memory(), ValueLayout.JAVA_BYTE, MESSAGE, message.capacity());
            assertThat(witness.read32(0, DOORBELL)).isEqualTo(sequence);
        }
    }

    @Test
    void aNameIsAUuid() {
        for (String given : new String[]{ "", "grabber", "1-2-3-4-5", NAME + "0" })
            assertThatThrownBy(() -> new ServedDevice(core, new GrabberProvider(), "export", given))
                    .isInstanceOf(WrongOptionException.class).hasMessageContaining("export=" + given + ": give a UUID");
    }
}
