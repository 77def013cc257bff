package sluice.vdev.profile.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Random;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.Recording;
import sluice.vdev.trace.RecordingBytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** A guest's clock from the calls that its kernel tells the witness, one after the other. */
class GuestCallsTest {
    private static final long SECOND = 1_000_000_000;
    private static final int MICRO = 1000;
    private static final int WITNESS = 5;

    @TempDir
    private Path folder;

    private static Event call(long ended, long nanos, long guest, int witness) {
        return new Event(1, ended, EventKind.CALL, 0, witness, 0, 0x1000, 4096, guest, nanos, 7);
    }

    private static GuestClock clock(GuestCalls calls) {
        ClockFit fit = new ClockFit();
        calls.bound(fit);
        ClockFit.Result result = fit.fit();
        assertThat(result).isInstanceOf(ClockFit.Fitted.class);
        return ((ClockFit.Fitted) result).clock();
    }

    /** Calls that take 20 µs to the witness and back at least, in bursts. */
    @ParameterizedTest
    @CsvSource({ "0, 0", "9876543210, 4e-4", "-100000000000, -7e-4" })
    void theClockIsFoundWithinTheStatedUncertainty(long offset, double drift) {
        for (int seed = 1; seed <= 10; seed++) {
            Random random = new Random(seed);
            GuestCalls calls = new GuestCalls();
            long start = 200 * SECOND;
            long now = start;
            for (int i = 0; i < 500; i++) {
                now += random.nextInt(10) == 0 ? 10_000 * MICRO : 5 * MICRO;
                long told = now + offset + Math.round(drift * (now - start));
                now += 20 * MICRO + random.nextInt(200 * MICRO);
                long began = now;
                now += 10 * MICRO;
                calls.add(call(now, now - began, told, WITNESS));
                now += 20 * MICRO + random.nextInt(200 * MICRO);
            }
            GuestClock clock = clock(calls);
            assertThat(clock.uncertainty()).isBetween(1.0, 300.0 * MICRO);
            for (long host = start; host < now; host += 10_000 * MICRO)
                assertThat((double) clock.guest(host) - (host + offset + drift * (host - start)))
                        .as("seed %d", seed).isCloseTo(0, within(clock.uncertainty() + 2));
        }
    }

    @Test
    void aGuestThatHasBootedAgainHasAnotherClock() {
        GuestCalls calls = new GuestCalls();
        for (int i = 0; i < 100; i++) calls.add(call(i * SECOND, 0, (1000 + i) * SECOND, WITNESS));
        for (int i = 100; i < 110; i++) calls.add(call(i * SECOND, 0, (i - 90) * SECOND, WITNESS));
        assertThat(calls.count()).isEqualTo(10);
        assertThat(clock(calls).guest(105 * SECOND)).isCloseTo(15 * SECOND, within(SECOND));
    }

    @Test
    void whatIsNoTimeAndWhatIsAnothersIsLeftOut() {
        GuestCalls calls = new GuestCalls();
        for (int i = 0; i < 10; i++) calls.add(call(i * SECOND, 0, i * SECOND, WITNESS));
        for (long wrong : new long[]{ -1, Long.MIN_VALUE, Long.MAX_VALUE }) calls.add(call(SECOND, 0, wrong, WITNESS));
        calls.add(call(11 * SECOND, 0, 5, WITNESS + 1));
        assertThat(calls.count()).isEqualTo(10);
        assertThat(calls.problems()).containsExactly(
                "3 calls that the guest has told the witness have no time of a clock.",
                "1 calls of another guest, told another witness, are left out.");
    }

    @Test
    void theNewestAreKept() {
        GuestCalls calls = new GuestCalls();
        for (long i = 0; i < GuestCalls.MOST + 1000L; i++) calls.add(call(i * MICRO, 0, i * MICRO, WITNESS));
        assertThat(calls.count()).isEqualTo(GuestCalls.MOST);
        ClockFit fit = new ClockFit();
        calls.bound(fit);
        assertThat(fit.count()).isEqualTo(2 * GuestCalls.MOST - 1);
        assertThat(clock(calls).start()).isEqualTo(1000L * MICRO);
    }

    private @Nullable GuestMatch match(RecordingBytes recording, @Nullable String trace) throws IOException {
        Path file = Files.write(folder.resolve("flight.rec"), recording.file());
        try (Recording open = Recording.open(file)) {
            return GuestMatch.of(open, trace == null
                    ? null
                    : GuestTrace.read(Files.newInputStream(Files.writeString(folder.resolve("trace"), trace,
                            StandardCharsets.US_ASCII)), 1 << 20));
        }
    }

    private static RecordingBytes recording(int calls, int wrong) {
        RecordingBytes recording = new RecordingBytes(1024, 4096);
        recording.name(WITNESS, "witness");
        for (int i = 0; i < calls; i++) {
            long guest = 100 * SECOND + 40L * MICRO * i + (i >= wrong ? SECOND : 0);
            recording.after(40).record(EventKind.CALL, 0, WITNESS, 0, 0x1000, 64, guest, 10 * MICRO,
                    RecordingBytes.NOW);
        }
        return recording;
    }

    /** As in a machine whose GPU is QEMU's own: all but its requests is on our clock. */
    @Test
    void aGpuThatIsNoneOfOursIsSaidAndTheClockIsThere() throws Exception {
        String trace = "  x-1 [000] d.h1. 100.000100: virtio_gpu_cmd_queue: vdev=0 vq=0 name=control type=0x100 flags=0x0"
                + " fence_id=0 ctx_id=0 num_free=63 seqno=1\n"
                + "  x-1 [000] d.h1. 100.000200: irq_handler_entry: irq=11 name=saa7134[0]\n# SLUICE end\n";
        GuestMatch match = Objects.requireNonNull(match(recording(500, 1000), trace));
        assertThat(match.problems()).isEmpty();
        assertThat(match.notes()).containsExactly("No request of a GPU's driver is matched. "
                + "No device of this process has queues: the guest's GPU is another's.");
        assertThat(match.calls()).isEqualTo(500);
        assertThat(match.matched()).isZero();
        assertThat(match.device()).isEmpty();
        assertThat(match.others()).extracting(GuestTrace.Other::name).containsExactly("irq_handler_entry");
        assertThat(Objects.requireNonNull(match.clock()).uncertainty()).isBetween(1.0, 100.0 * MICRO);
    }

    @Test
    void callsThatContradictThemselvesAreOnNoClock() throws Exception {
        GuestMatch match = Objects.requireNonNull(match(recording(500, 250), null));
        assertThat(match.clock()).isNull();
        assertThat(match.calls()).isZero();
        assertThat(match.problems()).singleElement().asString()
                .startsWith("The calls that the guest has told the witness are on no clock of constant drift: at ");
    }

    @Test
    void withoutCallsAndATraceThereIsNothing() throws Exception {
        assertThat(match(recording(0, 0), null)).isNull();
        GuestMatch match = Objects.requireNonNull(match(recording(0, 0), ""));
        assertThat(match.problems()).singleElement().asString().startsWith("The guest's trace is not in this profile.");
    }
}
