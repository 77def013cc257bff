package sluice.dmacore.fence;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Points that are reached one after the other. */
@Tag("S34")
class SyncPointsTest {
    private final Fences fences = new Fences();
    private final FenceTimeline gpu = fences.timeline("gpu0");
    private final FenceTimeline codec = fences.timeline("codec0");
    private final SyncPoints points = new SyncPoints(fences.domain, "frames");

    private Fence at(long point) {
        return Objects.requireNonNull(points.fenceAt(point));
    }

    @Test
    void aPointIsReachedAfterAllBefore() throws Exception {
        FenceSignal first = gpu.begin("first");
        FenceSignal second = codec.begin("second");
        points.attach(10, first.fence());
        points.attach(20, second.fence());
        assertThat(points.lastAttached()).isEqualTo(20);
        assertThat(points.reached()).isZero();
        Fence ten = at(10);
        Fence twenty = at(20);
        second.succeed();
        assertThat(twenty.isSignalled()).isFalse();
        assertThat(points.reached()).isZero();
        first.succeed();
        assertThat(ten.isSignalled()).isTrue();
        assertThat(twenty.isSignalled()).isTrue();
        assertThat(points.reached()).isEqualTo(20);
        assertThat(at(10).isSignalled()).isTrue();
        assertThat(at(1).isSignalled()).isTrue();
        assertThat(at(0).isSignalled()).isTrue();
    }

    @Test
    void aPointBetweenTwoIsReachedWithTheNext() throws Exception {
        FenceSignal first = gpu.begin("first");
        FenceSignal second = codec.begin("second");
        points.attach(10, first.fence());
        points.attach(20, second.fence());
        assertThat(at(9)).isSameAs(first.fence());
        assertThat(at(10)).isSameAs(first.fence());
        assertThat(at(11).members()).containsExactlyInAnyOrder(first.fence(), second.fence());
        first.succeed();
        assertThat(at(10).isSignalled()).isTrue();
        assertThat(points.reached()).isEqualTo(10);
        assertThat(at(11)).isSameAs(second.fence());
        assertThat(at(10).isSignalled()).isTrue();
        assertThat(points.fenceAt(21)).as("not attached yet").isNull();
    }

    @Test
    void pointsOnlyGrow() throws Exception {
        points.attach(10, gpu.begin("first").fence());
        Fence second = gpu.begin("second").fence();
        for (long point : new long[]{ -1, 0, 9, 10 }) {
            assertThatThrownBy(() -> points.attach(point, second)).isInstanceOfSatisfying(FenceRefusedException.class,
                    refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL));
        }
        points.attach(11, second);
        assertThatThrownBy(() -> points.attach(12, fences.domain.anyOf("any", List.of(second))))
                .isInstanceOf(FenceRefusedException.class);
        assertThat(points.lastAttached()).isEqualTo(11);
    }

    @Test
    void takesContainers() throws Exception {
        FenceSignal first = gpu.begin("first");
        FenceSignal second = codec.begin("second");
        points.attach(1, fences.domain.allOf("both", List.of(first.fence(), second.fence())));
        first.succeed();
        assertThat(points.reached()).isZero();
        second.succeed();
        assertThat(points.reached()).isEqualTo(1);
    }

    @Test
    void waitsForAFenceThatIsAttachedLater() throws Exception {
        assertThat(points.await(0, Duration.ZERO)).isTrue();
        assertThat(points.await(1, Duration.ofNanos(1))).isFalse();
        CompletableFuture<Void> wanted = new CompletableFuture<>();
        FenceSignal signal = gpu.begin("first", new FenceDemand() {
            @Override
            public void wanted(Fence fence) {
                wanted.complete(null);
            }
        });
        CompletableFuture<Boolean> result = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(points.await(1, Duration.ofSeconds(20)));
            } catch (InterruptedException failure) {
                result.completeExceptionally(failure);
            }
        });
        points.attach(1, signal.fence());
        wanted.get(10, TimeUnit.SECONDS);
        assertThat(points.await(1, Duration.ofNanos(1))).isFalse();
        signal.succeed();
        assertThat(result.get(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void refusesToWaitWhereOthersWaitForTheThread() {
        FenceDomain domain = new FenceDomain(
                FenceOptions.DEFAULT.withListener(fences.findings::add).withGuard(() -> "a read section of gpu0"));
        SyncPoints guarded = new SyncPoints(domain, "frames");
        assertThatThrownBy(() -> guarded.await(3, Duration.ZERO)).isInstanceOf(IllegalStateException.class);
        assertThat(fences.findings)
                .containsExactly(new FenceFinding.WaitedInSection("point 3 of frames", "a read section of gpu0"));
    }
}
