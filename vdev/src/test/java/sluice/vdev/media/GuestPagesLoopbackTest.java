package sluice.vdev.media;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.plain.PlainUnits;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.IotlbMessage;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.loopback.FrontIommuPeer;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * USERPTR buffers over vhost-user. Without ACCESS_PLATFORM their lists are guest addresses; with it they are bus addresses, of which
 * the device asks the VM's IOMMU for each page: QBUF is answered when it has them all.
 */
@Tag("loopback")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class GuestPagesLoopbackTest {
    private static final int SIDE = 64;
    private static final int STRIDE = 128;
    private static final int PAGE = 4096;
    /** Of a picture: luma of 128 by 64, and half as much. */
    private static final int PAGES = 3;
    private static final long SEED = 14;

    /** A served codec, with a session that has one buffer in each queue. */
    private static final class Rig implements AutoCloseable {
        private final ServedDevice device;
        private final GuestRam ram = GuestRam.split(1 << 20, 1 << 20, SEED);
        private final DeviceSession session;
        private final @Nullable FrontIommuPeer iommu;
        private final MediaDriver driver;
        private final int id;
        private final Buffer unit = ram.allocate(PAGE);
        private final List<Buffer> picture = new ArrayList<>();

        Rig(boolean behindIommu) throws Exception {
            device = new ServedDevice(new CodecProvider(), "transport", "vhost-user", "test-coding", "", "virtio-id",
                    "31");
            // The fixture's IOMMU answers as QEMU 10 does.
            Profile qemu = behindIommu ? Profile.qemu10() : Profile.qemu11();
            Profile plain = new Profile(qemu.protocolBits(), 0, qemu.forcedFeatures(), true, false);
            session = new DeviceSession(device.frontEnd(), ram,
                    behindIommu ? plain.withForced(VhostUserBits.F_ACCESS_PLATFORM) : plain, 64, 64);
            session.attach();
            iommu = behindIommu ? new FrontIommuPeer(session, ram) : null;
            session.start();
            driver = new MediaDriver(session);
            for (int i = 0; i < PAGES; i++) {
                picture.addFirst(ram.allocate(PAGE));
                assertThat(ram.allocate(PAGE).address()).as("between pages there are others").isPositive();
            }
            id = driver.open();
            assertThat(driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", SIDE, SIDE)).isZero();
            for (int type : new int[]{ MediaDriver.OUTPUT, MediaDriver.CAPTURE }) {
                assertThat(driver.request(id, type, 1, V4l2.MEMORY_USERPTR)).isEqualTo(1);
                assertThat(driver.stream(id, type, true)).isZero();
            }
        }

        private int queue(int type, int used, List<Buffer> pages) throws IOException {
            ByteBuffer buffer = MediaDriver.buffer(type, 0, V4l2.MEMORY_USERPTR, 1).putInt(88, used)
                    .putInt(92, pages.size() * PAGE);
            ByteBuffer all = MediaDriver.little(buffer.limit() + pages.size() * Struct.ENTRY_BYTES).put(buffer);
            for (Buffer page : pages) all.putLong(page.address()).putInt(PAGE).putInt(0);
            return driver.call(id, Ioctl.QBUF, all.rewind());
        }

        int queueUnit(int seed) throws IOException {
            ByteBuffer bytes = PlainUnits.pattern(SIDE, SIDE, seed, seed, 0);
            ram.write(unit, bytes);
            return queue(MediaDriver.OUTPUT, bytes.limit(), List.of(unit));
        }

        int queuePicture() throws IOException {
            return queue(MediaDriver.CAPTURE, 0, picture);
        }

        /** The flags of the picture that comes back, with its unit. */
        int awaitPicture() throws IOException {
            MediaDriver.Event first = driver.event();
            MediaDriver.Event second = driver.event();
            return (first.type() == MediaDriver.CAPTURE ? first : second).flags();
        }

        void check(int seed) {
            for (int y = 0; y < SIDE; y++) {
                MemorySegment page = ram.slice(picture.get(y * STRIDE / PAGE));
                for (int x = 0; x < SIDE; x++)
                    assertThat(page.get(ValueLayout.JAVA_BYTE, (long) y * STRIDE % PAGE + x)).as("%d, %d", x, y)
                            .isEqualTo(PlainUnits.sample(seed, 0, x, y));
            }
        }

        FrontIommuPeer iommu() {
            FrontIommuPeer present = iommu;
            if (present == null) throw new AssertionError("there is no IOMMU");
            return present;
        }

        long asked(Buffer page) {
            return iommu().misses().stream().map(IotlbMessage::iova).filter(iova -> iova == page.address()).count();
        }

        @Override
        public void close() throws IOException {
            if (iommu != null) iommu.close();
            session.close();
            ram.close();
            device.close();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void scatteredPagesAreDecodedInto(boolean behindIommu) throws Exception {
        try (Rig rig = new Rig(behindIommu)) {
            for (int seed = 1; seed <= 3; seed++) {
                assertThat(rig.queuePicture()).isZero();
                assertThat(rig.queueUnit(seed)).isZero();
                assertThat(rig.awaitPicture() & V4l2.BUF_ERROR).isZero();
                rig.check(seed);
            }
            if (!behindIommu) return;
            for (Buffer page : rig.picture) assertThat(rig.asked(page)).as("asked for once").isEqualTo(1);
            assertThat(rig.asked(rig.unit)).isEqualTo(1);
        }
    }

    @Test
    void aPageThatIsDeniedIsAFaultOfItsBuffer() throws Exception {
        try (Rig rig = new Rig(true)) {
            rig.iommu().deny(rig.picture.get(1).address());
            assertThat(rig.queuePicture()).isEqualTo(Errno.EFAULT);
            rig.iommu().allow(rig.picture.get(1).address());
            assertThat(rig.queuePicture()).isZero();
            assertThat(rig.queueUnit(4)).isZero();
            assertThat(rig.awaitPicture() & V4l2.BUF_ERROR).isZero();
            rig.check(4);
        }
    }

    /** What the guest's IOMMU unmaps while the buffer is queued is not written any more, and QBUF asks for it again. */
    @Test
    void pagesThatAreTakenBackAreNotWritten() throws Exception {
        try (Rig rig = new Rig(true)) {
            assertThat(rig.queuePicture()).isZero();
            Buffer taken = rig.picture.getFirst();
            rig.iommu().invalidate(taken.address(), PAGE);
            rig.ram.slice(taken).fill((byte) 0x5a);
            assertThat(rig.queueUnit(5)).isZero();
            assertThat(rig.awaitPicture() & V4l2.BUF_ERROR).isEqualTo(V4l2.BUF_ERROR);
            assertThat(rig.ram.slice(taken).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0x5a);
            assertThat(rig.queuePicture()).isZero();
            assertThat(rig.asked(taken)).isEqualTo(2);
            assertThat(rig.queueUnit(6)).isZero();
            assertThat(rig.awaitPicture() & V4l2.BUF_ERROR).isZero();
            rig.check(6);
        }
    }
}
