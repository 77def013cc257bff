package sluice.vdev.media;

import java.io.IOException;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Resource;
import sluice.vdev.fixture.FuzzInput;

import static org.assertj.core.api.Assertions.assertThat;

/** Random calls of several sessions, compared with a model; afterwards nothing is left. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class MediaModelTest {
    private static final int RUNS = 100;
    private static final int STEPS = 300;

    @Test
    void randomCallsHaveTheErrorsOfV4l2() throws IOException {
        long pictures = 0;
        try (OneThreadMedia device = new OneThreadMedia()) {
            for (int seed = 0; seed < RUNS; seed++) {
                byte[] bytes = new byte[3 * STEPS];
                new Random(seed).nextBytes(bytes);
                MediaModel model = new MediaModel(device);
                try {
                    model.run(new FuzzInput(bytes));
                } catch (AssertionError | RuntimeException e) {
                    throw new AssertionError("seed " + seed + ", call " + model.calls(), e);
                }
                pictures += model.pictures();
                assertThat(device.device.arena().reserved()).as("after seed %d", seed).isZero();
                assertThat(device.used(Resource.HEAP)).as("after seed %d", seed).isZero();
            }
        }
        assertThat(pictures).as("the calls decode").isGreaterThan(RUNS / 2);
    }
}
