package sluice.vdev.media;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.vdev.codec.plain.PlainUnits;
import sluice.vdev.device.Workers;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
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
    private static final int SESSIONS = 64;
    private static final int LEFT = 8;
    private static final int RAM_BYTES = 4 << 20;
    /** Mappings that other tests of the process may make meanwhile. */
    private static final int FEW = 8;

    /** A served device and its driver. */
    private static final class Rig implements AutoCloseable {
        private final ServedDevice served;
        private final GuestRam ram = GuestRam.single(RAM_BYTES, 1);
        private final VirtioPciSession session;
        private final MediaDriver driver;
        /** Two pages. */
        private final long pages = ram.allocate(8192).address();

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

    /** Sessions in the middle of decoding, closed, and then left by a driver that goes without a word. */
    @Test
    void sessionsThatAreDroppedWhileTheyDecodeLeaveNothing() throws Exception {
        int before = Fd.openCount();
        long mappings = mappings();
        String report;
        try (Rig rig = new Rig()) {
            List<Integer> dropped = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) dropped.add(decoding(rig));
            for (int id : dropped) rig.driver.close(id);
            for (int i = 0; i < LEFT; i++) decoding(rig);
            rig.session.close();
            report = rig.served.end();
        }
        assertThat(report).contains("\"opened\": " + (SESSIONS + LEFT), "\"failed\": 0");
        // Closing decoders and mappings is the work of other threads, which may be at it when the report is made.
        Deadline.in(Deadline.USUAL).require(() -> Fd.openCount() <= before, "the end of all descriptors");
        Deadline.in(Deadline.USUAL).require(() -> mappings() <= mappings + FEW, "the end of all mappings");
    }

    private static long mappings() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("memfd:")).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A session with units and pages of the guest, which takes no events. */
    private static int decoding(Rig rig) throws IOException {
        MediaDriver driver = rig.driver;
        int id = driver.open();
        assertThat(id).isPositive();
        ByteBuffer format = MediaDriver.little(Struct.Format.BYTES).putInt(0, MediaDriver.OUTPUT).putInt(8, SIDE)
                .putInt(12, SIDE).putInt(16, V4l2.fourcc("SLPL")).putInt(28, CodedFormat.LEAST_BYTES);
        assertThat(driver.call(id, Ioctl.S_FMT, format)).isZero();
        Buffer memory = rig.ram.allocate(4 * GuestRam.PAGE);
        long page = memory.address();
        rig.ram.write(memory, good());
        for (int type : new int[]{ MediaDriver.OUTPUT, MediaDriver.CAPTURE }) {
            assertThat(driver.request(id, type, 1, USERPTR)).isEqualTo(1);
            assertThat(driver.stream(id, type, true)).isZero();
        }
        assertThat(driver.call(id, Ioctl.QBUF,
                list(MediaDriver.CAPTURE, 0, 0, page + 3 * GuestRam.PAGE, 4096, page + 2 * GuestRam.PAGE, 4096)))
                .isZero();
        assertThat(driver.call(id, Ioctl.QBUF, list(MediaDriver.OUTPUT, 0, good().limit(), page, 4096))).isZero();
        return id;
    }

    /** A USERPTR buffer of one plane with a list of addresses and lengths. */
    private static ByteBuffer list(int type, int index, int used, long... entries) {
        long length = 0;
        for (int i = 1; i < entries.length; i += 2) length += entries[i];
        ByteBuffer buffer = MediaDriver.buffer(type, index, USERPTR, 1).putInt(88, used).putInt(92, (int) length);
        ByteBuffer all = MediaDriver.little(buffer.limit() + entries.length / 2 * Struct.ENTRY_BYTES).put(buffer);
        for (int i = 0; i < entries.length; i += 2) all.putLong(entries[i]).putInt((int) entries[i + 1]).putInt(0);
        return all.rewind();
    }

    @Test
    void listsThatLeaveMemoryAreRefusedAsAWhole() throws Exception {
        try (Rig rig = new Rig()) {
            int id = rig.driver.open();
            assertThat(rig.driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", SIDE, SIDE)).isZero();
            assertThat(rig.driver.request(id, MediaDriver.CAPTURE, 1, USERPTR)).isEqualTo(1);
            long end = RAM_BYTES;
            long page = rig.pages;
            long[][] wrong = { { end - 4096, 8192 }, { page, 4096, end, 4096 }, { -4096, 8192 }, { -1, 8192 },
                    { page, 4096, Long.MIN_VALUE, 4096 }, { page, 4096, 1L << 40, 4096 } };
            for (long[] entries : wrong) {
                assertThat(rig.driver.call(id, Ioctl.QBUF, list(MediaDriver.CAPTURE, 0, 0, entries)))
                        .as("%s", Arrays.toString(entries)).isEqualTo(Errno.EFAULT);
            }
            ByteBuffer longer = list(MediaDriver.CAPTURE, 0, 0, page, 8192);
            assertThat(rig.driver.call(id, Ioctl.QBUF, longer.putInt(92, -1))).as("a list that ends before its plane")
                    .isEqualTo(Errno.EINVAL);
            ByteBuffer empty = list(MediaDriver.CAPTURE, 0, 0, page, 0, page, 8192);
            assertThat(rig.driver.call(id, Ioctl.QBUF, empty)).as("an entry of nothing").isZero();
            rig.driver.close(id);
            assertThat(rig.served.end()).contains("\"pages\": 1");
        }
    }

    /** One page in both halves of a picture, and in two buffers: what is in it at the end is the last that was written. */
    @Test
    void picturesInMemoryThatOverlapsAreDelivered() throws Exception {
        try (Rig rig = new Rig()) {
            int id = rig.begin(good());
            assertThat(rig.driver.request(id, MediaDriver.CAPTURE, 2, USERPTR)).isEqualTo(2);
            assertThat(rig.driver.stream(id, MediaDriver.CAPTURE, true)).isZero();
            for (int i = 0; i < 2; i++) {
                assertThat(rig.driver.call(id, Ioctl.QBUF, list(MediaDriver.CAPTURE, i, 0, rig.pages, 4096, rig.pages,
                        4096))).isZero();
            }
            for (int i = 0; i < 2; i++) assertThat(rig.driver.event().flags() & V4l2.BUF_ERROR).isZero();
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
