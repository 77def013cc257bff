package sluice.litmus;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

import sluice.vdev.fixture.RingKind;

/**
 * No interrupt is lost: the device publishes, then reads what the driver wishes; the driver wishes, then looks. Fails without
 * the fence before the decision.
 */
public final class InterruptLitmus {
    private InterruptLitmus() {}

    @JCStressTest
    @Outcome(id = { "true, false", "false, true", "true, true" }, expect = Expect.ACCEPTABLE, desc = "the driver knows")
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "an answer without a notification")
    @State
    public static class Split {
        private final LitmusRing ring = outstanding(RingKind.SPLIT);

        @Actor
        public void device(ZZ_Result result) {
            result.r1 = ring.publish();
        }

        @Actor
        public void driver(ZZ_Result result) {
            result.r2 = ring.askAndLook();
        }
    }

    @JCStressTest
    @Outcome(id = { "true, false", "false, true", "true, true" }, expect = Expect.ACCEPTABLE, desc = "the driver knows")
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "an answer without a notification")
    @State
    public static class Packed {
        private final LitmusRing ring = outstanding(RingKind.PACKED);

        @Actor
        public void device(ZZ_Result result) {
            result.r1 = ring.publish();
        }

        @Actor
        public void driver(ZZ_Result result) {
            result.r2 = ring.askAndLook();
        }
    }

    private static LitmusRing outstanding(RingKind kind) {
        LitmusRing ring = new LitmusRing(kind);
        ring.submit();
        ring.complete();
        return ring;
    }
}
