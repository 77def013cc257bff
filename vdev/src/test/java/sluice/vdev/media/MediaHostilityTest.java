package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.plain.PlainUnits;
import sluice.vdev.device.Workers;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** Decoders that fail, and clients that take what there is: the other sessions go on, and nothing is left behind. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class MediaHostilityTest {
    private static final int SIDE = 32;
    private static final int USERPTR = V4l2.MEMORY_USERPTR;

    /** A served device and its driver. */
    private static final class Rig implements AutoCloseable {
        private final ServedDevice served;
        private final GuestRam ram = GuestRam.single(4 << 20, 1);
        private final VirtioPciSession session;
        private final MediaDriver driver;

        Rig(String... options) throws Exception {
            List<String> all = new ArrayList<>(List.of("transport", "vfio-user", "test-coding", "", "arena", "64"));
            all.addAll(List.of(options));
            served = new ServedDevice(new CodecProvider(), all.toArray(String[]::new));
            session = new VirtioPciSession(served.client(), ram,
                    VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 64, 64);
            session.attach();
            session.start(null);
            driver = new MediaDriver(session);
        }

        /** A session that has a unit to decode; the buffer's offset. */
        int begin(ByteBuffer unit) throws IOException {
            int id = driver.open();
            assertThat(id).isPositive();
            assertThat(driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", SIDE, SIDE)).isZero();
            assertThat(driver.request(id, MediaDriver.OUTPUT, 1, V4l2.MEMORY_MMAP)).isEqualTo(1);
            assertThat(driver.stream(id, MediaDriver.OUTPUT, true)).isZero();
            queue(id, unit);
            return id;
        }

        void queue(int id, ByteBuffer unit) throws IOException {
            int offset = driver.query(id, MediaDriver.OUTPUT, 0).getInt(96);
            for (int i = 0; i < unit.limit(); i += 4) session.client().write32(4, offset + i, unit.getInt(i));
            assertThat(driver.queue(id, MediaDriver.OUTPUT, 0, unit.limit(), 1)).isZero();
        }

        @Override
        public void close() {
            session.close();
            ram.close();
            served.close();
        }
    }

    private static ByteBuffer good() {
        return PlainUnits.pattern(SIDE, SIDE, 3, 0, 0);
    }

    private static void endsAlone(Rig rig, int deed) throws IOException {
        int bad = rig.begin(PlainUnits.deed(SIDE, SIDE, deed));
        MediaDriver.Event event = rig.driver.event();
        assertThat(List.of(event.kind(), event.session(), event.body().getInt(0))).containsExactly(0, bad, Errno.EIO);
        assertThat(rig.driver.stream(bad, MediaDriver.OUTPUT, false)).isEqualTo(Errno.EIO);
        assertThat(rig.driver.request(bad, MediaDriver.CAPTURE, 1, V4l2.MEMORY_MMAP)).isEqualTo(-Errno.EIO);
        // Another one decodes.
        int other = rig.begin(good());
        assertThat(rig.driver.request(other, MediaDriver.CAPTURE, 1, V4l2.MEMORY_MMAP)).isEqualTo(1);
        while (rig.driver.queue(other, MediaDriver.CAPTURE, 0, 0, 0) != 0)
            Thread.onSpinWait();
        assertThat(rig.driver.stream(other, MediaDriver.CAPTURE, true)).isZero();
        for (int i = 0; i < 2; i++) assertThat(rig.driver.event().session()).isEqualTo(other);
        rig.driver.close(bad);
        rig.driver.close(other);
        assertThat(rig.driver.stream(bad, MediaDriver.OUTPUT, false)).isEqualTo(Errno.EINVAL);
    }

    @Test
    void aDecoderThatThrowsEndsItsSession() throws Exception {
        try (Rig rig = new Rig()) {
            endsAlone(rig, PlainUnits.THROWS);
        }
    }

    @Test
    void aDecoderThatSpinsEndsItsSession() throws Exception {
        try (Rig rig = new Rig("decode-limit", "50")) {
            endsAlone(rig, PlainUnits.SPINS);
            endsAlone(rig, PlainUnits.SPINS);
            endsAlone(rig, PlainUnits.SPINS);
        }
    }

    /** As many as there are workers: others take their places, and the last unit is decoded while all of these are still at it. */
    @Test
    void decodersThatHeedNoInterruptEndTheirSessionsOnly() throws Exception {
        int processors = Math.min(Workers.MOST_LOST, Runtime.getRuntime().availableProcessors());
        int millis = 5000;
        try (Rig rig = new Rig("decode-limit", "50")) {
            long began = System.nanoTime();
            List<Integer> deaf = new ArrayList<>();
            for (int i = 0; i < processors; i++)
                deaf.add(rig.begin(PlainUnits.deed(SIDE, SIDE, PlainUnits.DEAF).putInt(12, millis)));
            for (int i = 0; i < processors; i++) assertThat(rig.driver.event().kind()).as("an error").isZero();
            int id = rig.begin(good());
            assertThat(rig.driver.request(id, MediaDriver.CAPTURE, 1, V4l2.MEMORY_MMAP)).isEqualTo(1);
            while (rig.driver.queue(id, MediaDriver.CAPTURE, 0, 0, 0) != 0)
                Thread.onSpinWait();
            assertThat(rig.driver.stream(id, MediaDriver.CAPTURE, true)).isZero();
            for (int i = 0; i < 2; i++) assertThat(rig.driver.event().session()).isEqualTo(id);
            if (processors == Runtime.getRuntime().availableProcessors())
                assertThat(System.nanoTime() - began).as("while the others are at it").isLessThan(millis * 1_000_000L);
            for (int one : deaf) rig.driver.close(one);
            rig.driver.close(id);
        }
    }

    @Test
    void aBrokenUnitIsAnErrorOfItsBuffer() throws Exception {
        try (Rig rig = new Rig()) {
            int id = rig.begin(PlainUnits.deed(SIDE, SIDE, PlainUnits.BROKEN));
            MediaDriver.Event event = rig.driver.event();
            assertThat(event.isBuffer()).isTrue();
            assertThat(event.flags() & V4l2.BUF_ERROR).isEqualTo(V4l2.BUF_ERROR);
            rig.queue(id, MediaDriver.little(8));
            assertThat(rig.driver.event().flags() & V4l2.BUF_ERROR).isEqualTo(V4l2.BUF_ERROR);
            rig.driver.close(id);
        }
    }

    @Test
    void sessionsThatComeAndGoLeaveNothing() throws Exception {
        try (Rig rig = new Rig()) {
            for (int round = 0; round < 3; round++) {
                List<Integer> ids = new ArrayList<>();
                for (int i = 0; i < 256; i++) {
                    int id = rig.driver.open();
                    assertThat(id).as("session %d of round %d", i, round).isPositive();
                    assertThat(rig.driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", SIDE, SIDE)).isZero();
                    assertThat(rig.driver.request(id, MediaDriver.CAPTURE, 2, V4l2.MEMORY_MMAP)).isEqualTo(2);
                    ids.add(id);
                }
                assertThat(rig.driver.open()).as("one too many").isEqualTo(-Errno.EMFILE);
                assertThat(ids).doesNotHaveDuplicates();
                for (int id : ids) rig.driver.close(id);
            }
            String report = rig.served.end();
            assertThat(report).contains("\"opened\": 768", "\"present\": 0");
        }
    }

    @Test
    void memoryThatThereIsNotIsRefused() throws Exception {
        try (Rig rig = new Rig()) {
            int id = rig.driver.open();
            assertThat(rig.driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", 8192, 8192)).isZero();
            // A picture of 8192x8192 has 96 MiB, and the arena 64.
            assertThat(rig.driver.request(id, MediaDriver.CAPTURE, 1, V4l2.MEMORY_MMAP)).isEqualTo(-Errno.ENOMEM);
            assertThat(rig.driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", 4096, 2176)).isZero();
            // As many as there is room for: 12.75 MiB each.
            assertThat(rig.driver.request(id, MediaDriver.CAPTURE, 32, V4l2.MEMORY_MMAP)).isEqualTo(5);
            assertThat(rig.driver.map(id, 12345).offset()).isEqualTo(-Errno.EINVAL);
            rig.driver.close(id);
        }
    }

    @Test
    void aListOfOnePageTwiceIsMemoryLikeAnyOther() throws Exception {
        try (Rig rig = new Rig()) {
            int id = rig.driver.open();
            assertThat(rig.driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", SIDE, SIDE)).isZero();
            assertThat(rig.driver.request(id, MediaDriver.OUTPUT, 1, USERPTR)).isEqualTo(1);
            ByteBuffer buffer = MediaDriver.buffer(MediaDriver.OUTPUT, 0, USERPTR, 1).putInt(88, 24).putInt(92, 8192);
            ByteBuffer all = MediaDriver.little(buffer.limit() + 2 * Struct.ENTRY_BYTES).put(buffer);
            long page = rig.ram.allocate(4096).address();
            for (int i = 0; i < 2; i++) all.putLong(page).putInt(4096).putInt(0);
            assertThat(rig.driver.call(id, Ioctl.QBUF, all.rewind())).isZero();
            assertThat(rig.driver.stream(id, MediaDriver.OUTPUT, true)).isZero();
            assertThat(rig.driver.event().flags() & V4l2.BUF_ERROR).as("zeros are no unit").isEqualTo(V4l2.BUF_ERROR);
            rig.driver.close(id);
        }
    }
}
