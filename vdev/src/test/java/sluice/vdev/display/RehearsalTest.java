package sluice.vdev.display;

import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.vdev.host.HostLoop;

import static org.assertj.core.api.Assertions.assertThat;

final class RehearsalTest {
    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void drawsPicturesAndLeavesNothingBehind() throws Exception {
        HostLoop loop = HostLoop.start("rehearsed", Budget.ofProcess().own());
        try {
            long before = Budget.ofProcess().used(Resource.HOST_MEMORY);
            assertThat(Rehearsal.run(loop, () -> false)).isPositive();
            assertThat(Budget.ofProcess().used(Resource.HOST_MEMORY)).isEqualTo(before);
        } finally {
            loop.stop();
        }
    }

    @Test
    void endsWhenAGuestSendsCommands() throws Exception {
        HostLoop loop = HostLoop.start("rehearsed", Budget.ofProcess().own());
        try {
            assertThat(Rehearsal.run(loop, () -> true)).isZero();
        } finally {
            loop.stop();
        }
    }
}
