package sluice.vdev.profile;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.trace.EventKind;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.profile.guest.GuestClock;
import sluice.vdev.profile.guest.GuestMatch;

import static org.assertj.core.api.Assertions.assertThat;

/** Where the time of a frame is found, from the device's events to the numbers of the report. */
@SuppressWarnings("EnumOrdinal") // the index of Intervals.split
class StagesTest {
    private static final int FRAMES = 15;
    /** Requests that come faster are told in batches: sluice.dmacore.trace.QueueTrace. */
    private static final long SLOWER_THAN_BATCHES = 600_000;
    private static final long TWO_MILLIS = 2_000_000;
    private static final int EVENTS = 4096;
    /** Whose events are all kept. */
    private static final int MOST_FRAMES = 300;
    private static final long MICRO = 1000;

    @TempDir
    private Path folder;

    private DeviceProfile only(ProfileFolder files) throws IOException {
        Profile profile = files.read();
        assertThat(profile.devices()).hasSize(1);
        return profile.devices().getFirst();
    }

    @ParameterizedTest
    @EnumSource(Stage.class)
    void twoMillisecondsAreFoundInTheStageInWhichTheyAreSpent(Stage stage) throws Exception {
        StagedDevice device = new StagedDevice(folder, RingKind.SPLIT, EVENTS);
        try (device) {
            device.tellGuest(-123_456_789, 2e-4);
            device.slow(stage, TWO_MILLIS);
            for (int i = 0; i < FRAMES; i++) device.frame();
        }
        DeviceProfile profile = only(device.folder());
        assertThat(profile.frameCount()).isEqualTo(FRAMES);
        GuestMatch guest = Objects.requireNonNull(device.folder().read().guest());
        assertThat(guest.problems()).isEmpty();
        GuestClock clock = Objects.requireNonNull(guest.clock());
        assertThat(guest.matched()).isEqualTo(2 * FRAMES + 4 * StagedDevice.BATCHES);
        long wrong = stage.isGuest() && stage != Stage.GUEST ? (long) clock.uncertainty() : 0;
        assertThat(wrong).isLessThan(TWO_MILLIS / 2);
        assertThat(profile.of(stage).quantile(0)).as("each frame").isGreaterThanOrEqualTo(TWO_MILLIS - wrong);
        for (Stage other : Stage.values()) {
            if (other != stage)
                assertThat(profile.of(other).quantile(0.25)).as("%s, not slow", other).isLessThan(TWO_MILLIS / 2);
        }
    }

    /**
     * Each frame, however often its thread is preempted: the sum is between what is certainly the frame's and what certainly is not. Those
     * frames count for which the two are within 5 %.
     */
    @ParameterizedTest
    @CsvSource({ "SPLIT, false", "PACKED, false", "SPLIT, true", "PACKED, true" })
    void theStagesAddUpToTheTimeOfTheFrameAsSeenFromOutside(RingKind kind, boolean tells) throws Exception {
        List<StagedDevice.Seen> seen = new ArrayList<>();
        StagedDevice device = new StagedDevice(folder, kind, EVENTS);
        try (device) {
            if (tells) device.tellGuest(5_000_000_000L, -1e-4);
            device.slow(Stage.COPY, TWO_MILLIS);
            while (seen.stream().filter(StagedDevice.Seen::isClear).count() < FRAMES && seen.size() < MOST_FRAMES)
                seen.add(device.frame());
        }
        assertThat(seen.stream().filter(StagedDevice.Seen::isClear)).as("frames known to 5 %%").hasSize(FRAMES);
        GuestMatch guest = device.folder().read().guest();
        long wrong = guest == null ? 0 : (long) (2 * Objects.requireNonNull(guest.clock()).uncertainty()) + MICRO;
        assertThat(wrong).as("uncertainty of the guest's clock").isLessThan(TWO_MILLIS / 20);
        List<Frame> frames = only(device.folder()).frames();
        assertThat(frames).extracting(Frame::number)
                .containsExactlyElementsOf(LongStream.rangeClosed(1, seen.size()).boxed().toList());
        for (int i = 0; i < seen.size(); i++) {
            long sum = LongStream.of(frames.get(i).stages()).sum();
            assertThat(sum).isEqualTo(frames.get(i).nanos());
            if (tells && i == 0) continue; // it begins with the requests by which the clock is found
            assertThat(sum).as("frame %d", i + 1).isBetween(seen.get(i).least() - wrong, seen.get(i).most() + wrong);
        }
    }

    @Test
    void requestsAreCountedByNameWithTheirWaitsAndTheDepthOfTheQueue() throws Exception {
        StagedDevice device = new StagedDevice(folder, RingKind.SPLIT, EVENTS);
        try (device) {
            device.slow(Stage.QUEUE, TWO_MILLIS);
            for (int i = 0; i < FRAMES; i++) device.frame();
        }
        DeviceProfile profile = only(device.folder());
        assertThat(profile.name()).isEqualTo("staged");
        assertThat(profile.requests()).extracting(RequestKind::name).containsExactly("FIRST", "SECOND");
        for (RequestKind kind : profile.requests()) {
            assertThat(kind.queue()).isEqualTo("main");
            assertThat(kind.deepest()).isEqualTo(1);
            assertThat(kind.total().count()).isEqualTo(FRAMES);
            assertThat(kind.total().quantile(0)).isGreaterThanOrEqualTo(kind.waited().quantile(0));
        }
        assertThat(List.copyOf(profile.requests()).get(1).waited().quantile(0)).isGreaterThanOrEqualTo(TWO_MILLIS);
        assertThat(profile.tally().count(EventKind.COPY)).isEqualTo(FRAMES);
    }

    @Test
    void aRecordingWithoutItsBeginningHasOnlyWholeFrames() throws Exception {
        StagedDevice device = new StagedDevice(folder, RingKind.SPLIT, 64);
        try (device) {
            device.slow(Stage.GUEST, SLOWER_THAN_BATCHES);
            for (int i = 0; i < 100; i++) device.frame();
        }
        Profile profile = device.folder().read();
        assertThat(profile.missed().overwritten()).isPositive();
        List<Frame> frames = profile.devices().getFirst().frames();
        assertThat(frames).isNotEmpty().allSatisfy(frame -> {
            assertThat(frame.tally().count(EventKind.COPY)).as("copies of frame %d", frame.number()).isEqualTo(1);
            assertThat(frame.tally().count(EventKind.COMMAND)).isEqualTo(2);
        });
        assertThat(frames.getLast().number()).isEqualTo(100);
    }

    @Test
    void aRecordingThatIsCutInTheMiddleIsReadAsFarAsItGoes() throws Exception {
        StagedDevice device = new StagedDevice(folder, RingKind.SPLIT, EVENTS);
        try (device) {
            for (int i = 0; i < FRAMES; i++) device.frame();
        }
        ProfileFolder files = device.folder();
        long whole = Files.size(files.recording());
        long records = whole - EVENTS * 64L;
        for (long length : new long[]{ records + 64 * 40 + 17, records, 4096 }) {
            try (FileChannel file = FileChannel.open(files.recording(), StandardOpenOption.WRITE)) {
                file.truncate(length);
            }
            Profile profile = files.write(CostModel.PRESETS);
            assertThat(profile.missed().cutOff()).isPositive();
            assertThat(files.report()).content().contains("Not all is here");
            long frames = profile.devices().stream().mapToLong(DeviceProfile::frameCount).sum();
            assertThat(frames).isLessThan(FRAMES);
            if (length > records) assertThat(frames).isPositive();
        }
    }

    @Test
    void profilingMakesNoGarbage() throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (StagedDevice device = new StagedDevice(folder, RingKind.SPLIT, 64)) {
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 200; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                device.trace(100);
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).as("bytes for a hundred requests").isZero();
        }
    }

    @Test
    void theStagesOfAnyIntervalsAddUp() {
        Stream.of(1L, 2L, 3L, 4L, 5L).forEach(seed -> {
            Random random = new Random(seed);
            Intervals intervals = new Intervals();
            for (int i = 0; i < 200; i++) {
                long start = Long.MAX_VALUE - 500 + random.nextInt(1000); // the clock may overflow
                intervals.add(Stage.values()[random.nextInt(Stage.values().length)], start,
                        start + random.nextInt(60) - 5);
            }
            long[] stages = intervals.split(Long.MAX_VALUE - 400, Long.MAX_VALUE + 300);
            assertThat(LongStream.of(stages).sum()).isEqualTo(700);
            assertThat(LongStream.of(stages).min().orElseThrow()).isNotNegative();
        });
    }

    @Test
    void theInnermostStageCounts() {
        Intervals intervals = new Intervals();
        intervals.add(Stage.QUEUE, 0, 30);
        intervals.add(Stage.DEVICE, 20, 90);
        intervals.add(Stage.TRANSFER, 40, 80);
        intervals.add(Stage.CACHE, 50, 60);
        intervals.add(Stage.RESPONSE, 90, 100);
        long[] stages = intervals.split(-10, 110);
        assertThat(stages[Stage.GUEST.ordinal()]).isEqualTo(20);
        assertThat(stages[Stage.QUEUE.ordinal()]).isEqualTo(20);
        assertThat(stages[Stage.DEVICE.ordinal()]).isEqualTo(30);
        assertThat(stages[Stage.TRANSFER.ordinal()]).isEqualTo(30);
        assertThat(stages[Stage.CACHE.ordinal()]).isEqualTo(10);
        assertThat(stages[Stage.RESPONSE.ordinal()]).isEqualTo(10);
    }

    @Test
    void tooManyIntervalsAreCounted() {
        Intervals intervals = new Intervals();
        for (int i = 0; i < Intervals.MOST + 3; i++) intervals.add(Stage.COPY, i, i + 1);
        assertThat(intervals.dropped()).isEqualTo(3);
        assertThat(intervals.split(0, 10)[Stage.COPY.ordinal()]).isEqualTo(10);
    }
}
