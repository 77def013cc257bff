package sluice.vdev.media;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.vdev.codec.plain.PlainUnits;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Buffers of the guest's pages whose driver leaves cache operations out, as it says by V4L2_BUF_FLAG_NO_CACHE_CLEAN and _INVALIDATE: a
 * device that does not snoop reads what memory has, and what it writes does not arrive.
 */
@Tag("loopback")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CacheHintsLoopbackTest {
    private static final int SIDE = 64;
    private static final int STRIDE = 128;
    private static final int PICTURE_PAGES = 3;
    private static final byte WIPED = (byte) 0xee;

    private final Findings findings = new Findings();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting()
            .withExecutor(new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy())), findings);

    /** A session with a buffer of pages in each queue. */
    private final class Client implements AutoCloseable {
        private final ServedDevice device;
        private final GuestRam ram = GuestRam.single(1 << 20, 1);
        private final VirtioPciSession session;
        private final MediaDriver driver;
        private final int id;
        private final Buffer unit = ram.allocate(GuestRam.PAGE);
        private final Buffer picture = ram.allocate(PICTURE_PAGES * GuestRam.PAGE);

        Client(String coherency) throws Exception {
            device = new ServedDevice(core, new CodecProvider(), "transport", "vfio-user", "test-coding", "", "arena",
                    "1", "coherency", coherency);
            session = new VirtioPciSession(device.client(), ram,
                    VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 64, 64);
            session.attach();
            session.start(null);
            driver = new MediaDriver(session);
            id = driver.open();
            assertThat(driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", SIDE, SIDE)).isZero();
            for (int type : new int[]{ MediaDriver.OUTPUT, MediaDriver.CAPTURE }) {
                assertThat(driver.request(id, type, 1, V4l2.MEMORY_USERPTR)).isEqualTo(1);
                assertThat(driver.stream(id, type, true)).isZero();
            }
        }

        private void queue(int type, Buffer memory, int used, int flags) throws IOException {
            ByteBuffer buffer = MediaDriver.buffer(type, 0, V4l2.MEMORY_USERPTR, 1);
            ByteBuffer all = MediaDriver.little(buffer.limit() + Struct.ENTRY_BYTES).put(buffer);
            all.putInt(12, flags).putInt(88, used).putInt(92, (int) memory.length()).putLong(memory.address())
                    .putInt((int) memory.length()).putInt(0);
            assertThat(driver.call(id, Ioctl.QBUF, all.rewind())).isZero();
        }

        /** Decodes a unit with a picture of {@code seed}: the first sample of luma that the guest sees. */
        byte decode(int seed, int unitFlags, int pictureFlags) throws IOException {
            ByteBuffer bytes = PlainUnits.pattern(SIDE, SIDE, seed, seed, 0);
            MemorySegment.copy(MemorySegment.ofBuffer(bytes), 0, ram.slice(unit), 0, bytes.limit());
            ram.slice(picture).fill(WIPED);
            queue(MediaDriver.CAPTURE, picture, 0, pictureFlags);
            queue(MediaDriver.OUTPUT, unit, bytes.limit(), unitFlags);
            for (int i = 0; i < 2; i++)
                assertThat(driver.event().flags() & V4l2.BUF_ERROR).isZero();
            return ram.slice(picture).get(ValueLayout.JAVA_BYTE, STRIDE + 1L);
        }

        @Override
        public void close() {
            session.close();
            ram.close();
            device.close();
        }
    }

    private static byte sample(int seed) {
        return PlainUnits.sample(seed, 0, 1, 1);
    }

    @ParameterizedTest
    @ValueSource(strings = { "coherent", "non-coherent" })
    void aUnitThatIsNotCleanedIsAFinding(String coherency) throws Exception {
        try (Client client = new Client(coherency)) {
            assertThat(client.decode(1, 0, 0)).isEqualTo(sample(1));
            assertThat(findings.errors()).isEmpty();
            int seen = coherency.equals("coherent") ? 2 : 1;
            assertThat(client.decode(2, V4l2.BUF_NO_CACHE_CLEAN, 0)).isEqualTo(sample(seen));
            assertThat(findings.errors()).isNotEmpty()
                    .allSatisfy(finding -> assertThat(finding.rule()).isEqualTo(Rule.MISSING_SYNC_FOR_DEVICE));
            int before = findings.errors().size();
            assertThat(client.decode(3, 0, 0)).isEqualTo(sample(3));
            assertThat(findings.errors()).hasSize(before);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "coherent", "non-coherent" })
    void aPictureThatIsNotInvalidatedDoesNotArrive(String coherency) throws Exception {
        try (Client client = new Client(coherency)) {
            assertThat(client.decode(1, 0, 0)).isEqualTo(sample(1));
            byte seen = coherency.equals("coherent") ? sample(2) : WIPED;
            assertThat(client.decode(2, 0, V4l2.BUF_NO_CACHE_INVALIDATE)).isEqualTo(seen);
            assertThat(client.decode(3, 0, 0)).isEqualTo(sample(3));
        }
    }
}
