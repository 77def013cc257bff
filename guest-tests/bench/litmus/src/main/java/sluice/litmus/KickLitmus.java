package sluice.litmus;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

import sluice.vdev.fixture.RingKind;

/**
 * No chain is forgotten: the driver publishes, then reads whether the device listens; the device listens, then looks. Fails
 * without the fence before the device's last look.
 */
public final class KickLitmus {
    private KickLitmus() {}

    @JCStressTest
    @Outcome(id = { "true, false", "false, true", "true, true" }, expect = Expect.ACCEPTABLE, desc = "the device knows")
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "a chain without a notification")
    @State
    public static class Split {
        private final LitmusRing ring = new LitmusRing(RingKind.SPLIT);

        @Actor
        public void driver(ZZ_Result result) {
            result.r1 = ring.submit();
        }

        @Actor
        public void device(ZZ_Result result) {
            result.r2 = ring.listen();
        }
    }

    @JCStressTest
    @Outcome(id = { "true, false", "false, true", "true, true" }, expect = Expect.ACCEPTABLE, desc = "the device knows")
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "a chain without a notification")
    @State
    public static class Packed {
        private final LitmusRing ring = new LitmusRing(RingKind.PACKED);

        @Actor
        public void driver(ZZ_Result result) {
            result.r1 = ring.submit();
        }

        @Actor
        public void device(ZZ_Result result) {
            result.r2 = ring.listen();
        }
    }
}
