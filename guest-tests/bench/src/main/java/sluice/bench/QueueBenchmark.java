package sluice.bench;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/** A chain through a split queue: made available, polled, completed, published, taken back. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class QueueBenchmark {
    private static final int MANY = 32;

    private @Nullable BenchGuest guest;

    @Setup
    public void start() throws IOException {
        BenchGuest fresh = new BenchGuest();
        for (int slot = 0; slot < MANY; slot++) fresh.prepare(slot, 64);
        guest = fresh;
    }

    @TearDown
    public void stop() {
        guest().close();
    }

    private BenchGuest guest() {
        BenchGuest present = guest;
        if (present == null) throw new IllegalStateException("JMH calls start first");
        return present;
    }

    /** One chain a publication. */
    @Benchmark
    public int one() {
        return turn(1);
    }

    /** 32 chains a publication. */
    @Benchmark
    @OperationsPerInvocation(MANY)
    public int many() {
        return turn(MANY);
    }

    private int turn(int chains) {
        BenchGuest running = guest();
        Virtqueue queue = running.queue();
        for (int slot = 0; slot < chains; slot++) running.send(slot);
        while (queue.poll() instanceof Chain chain)
            chain.complete();
        queue.publish();
        int taken = running.takeBack();
        if (taken != chains) throw new IllegalStateException(taken + " of " + chains + " chains came back");
        return taken;
    }
}
