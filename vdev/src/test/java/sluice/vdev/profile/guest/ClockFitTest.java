package sluice.vdev.profile.guest;

import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** A clock is found within what is stated, or it is told that there is none. */
class ClockFitTest {
    private static final long SECOND = 1_000_000_000;
    private static final long MICRO = 1000;

    /** Requests of a guest whose clock has an offset and a drift, each with ways of at least {@code least} nanoseconds. */
    private record Run(long offset, double drift, long least, long jitter, int requests, Random random) {
        long guest(long host) {
            return host + offset + Math.round(drift * (host - START));
        }

        static final long START = 77 * SECOND;

        ClockFit fit(double loss) {
            ClockFit fit = new ClockFit();
            for (int i = 0; i < requests; i++) {
                long queued = START + i * 16_000_000L + random.nextLong(4_000_000);
                long taken = queued + way();
                long answered = taken + random.nextLong(2_000_000);
                long responded = answered + way();
                if (random.nextDouble() >= loss) fit.guestBefore(guest(queued), taken);
                if (random.nextDouble() >= loss) fit.guestAfter(guest(responded), answered);
            }
            return fit;
        }

        private long way() {
            return least + (long) (jitter * -Math.log(1 - random.nextDouble()));
        }
    }

    private static GuestClock clock(ClockFit.Result result) {
        assertThat(result).isInstanceOf(ClockFit.Fitted.class);
        return ((ClockFit.Fitted) result).clock();
    }

    @ParameterizedTest
    @CsvSource({ "0, 0, 20, 100", "123456789012, 0, 5, 500", "-98765432109, 4e-4, 20, 1000",
            "5000000000000, -5e-4, 50, 20",
            "1, 1e-6, 0, 3000" })
    void theClockIsFoundWithinTheStatedUncertainty(long offset, double drift, long leastMicros, long jitterMicros) {
        for (int seed = 1; seed <= 20; seed++) {
            Run run = new Run(offset, drift, leastMicros * MICRO, jitterMicros * MICRO, 2000, new Random(seed));
            GuestClock clock = clock(run.fit(0.3).fit());
            for (int i = 0; i <= 10; i++) {
                long host = clock.start() + i * clock.span() / 10;
                assertThat((double) clock.guest(host) - run.guest(host)).as("seed %d", seed).isCloseTo(0,
                        within(clock.uncertainty() + 2));
                assertThat((double) clock.host(run.guest(host)) - host).as("seed %d", seed).isCloseTo(0,
                        within(clock.uncertainty() * 1.001 + 2));
            }
            assertThat(clock.least()).isBetween(0.0, clock.uncertainty());
            // It is half of the shortest way there and back, and what the jitter hides.
            assertThat(clock.least()).as("seed %d", seed).isLessThan(
                    1e3 * (leastMicros + jitterMicros + 2.0));
            assertThat(clock.driftMicros()).isCloseTo(drift * 1e6,
                    within(2 * clock.uncertainty() / clock.span() * 1e6 + 1e-6));
        }
    }

    @Test
    void noEventIsBeforeOneThatItMustFollow() {
        Run run = new Run(-3 * SECOND, 2e-4, 10 * MICRO, 300 * MICRO, 500, new Random(3));
        GuestClock clock = clock(run.fit(0).fit());
        Run again = new Run(-3 * SECOND, 2e-4, 10 * MICRO, 300 * MICRO, 500, new Random(3));
        ClockFit same = again.fit(0);
        assertThat(same.count()).isEqualTo(1000);
        same.guestBefore(clock.guest(Run.START + SECOND), Run.START + SECOND + 2);
        same.guestAfter(clock.guest(Run.START + SECOND), Run.START + SECOND - 2);
        assertThat(same.fit()).as("the clock is one that fits").isInstanceOf(ClockFit.Fitted.class);
    }

    @ParameterizedTest
    @ValueSource(longs = { 2_000_000, 60 * SECOND, Long.MAX_VALUE / 4 })
    void whatNoClockFitsIsTold(long lie) {
        Run run = new Run(SECOND, 0, 10 * MICRO, 100 * MICRO, 300, new Random(5));
        ClockFit fit = run.fit(0);
        fit.guestBefore(run.guest(Run.START + SECOND) + lie, Run.START + SECOND);
        assertThat(fit.fit()).isInstanceOfSatisfying(ClockFit.Impossible.class, impossible -> {
            assertThat(impossible.host()).isEqualTo(Run.START + SECOND);
            assertThat(impossible.nanos()).isBetween(lie - 1_500_000.0, lie * 1.001);
        });
    }

    @Test
    void aClockThatJumpsFitsNoLine() {
        ClockFit fit = new ClockFit();
        for (int i = 0; i < 100; i++) {
            long host = i * 10_000_000L;
            long guest = host + (i < 50 ? 0 : 5_000_000);
            fit.guestBefore(guest, host + 50_000);
            fit.guestAfter(guest + 100_000, host + 60_000);
        }
        assertThat(fit.fit()).isInstanceOf(ClockFit.Impossible.class);
    }

    @Test
    void oneDirectionBoundsNothing() {
        ClockFit fit = new ClockFit();
        assertThat(fit.fit()).isInstanceOf(ClockFit.Unbounded.class);
        fit.guestAfter(5, 3);
        assertThat(fit.fit()).isInstanceOf(ClockFit.Unbounded.class);
        fit.guestBefore(4, 3);
        assertThat(fit.fit()).isInstanceOf(ClockFit.Fitted.class);
    }

    @Test
    void onePairEachIsKnownToHalfTheirDistance() {
        ClockFit fit = new ClockFit();
        fit.guestBefore(1_000_000, 500);
        fit.guestAfter(1_100_000, 500);
        GuestClock clock = clock(fit.fit());
        assertThat(clock.guest(500)).isCloseTo(1_050_000, within(1L));
        assertThat(clock.uncertainty()).isCloseTo(50_000, within(2.0));
    }

    @Test
    void pairsBeyondTheLimitAreLeftOut() {
        ClockFit fit = new ClockFit();
        for (int i = 0; i < ClockFit.MOST + 10; i++) {
            if (i % 2 == 0) fit.guestBefore(i, i + 10);
            else fit.guestAfter(i + 10, i);
        }
        assertThat(fit.count()).isEqualTo(ClockFit.MOST);
        assertThat(clock(fit.fit()).uncertainty()).isLessThan(20);
    }
}
