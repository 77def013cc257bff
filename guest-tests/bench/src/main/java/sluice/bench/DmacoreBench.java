package sluice.bench;

import java.util.List;

import org.openjdk.jmh.runner.RunnerException;

import sluice.bench.Claims.Claim;
import sluice.bench.Claims.Relation;

/** {@code sluice bench dmacore [--json FILE]}: what sharing a buffer costs, beside what it is measured by. */
public final class DmacoreBench {
    private static final Claims CLAIMS = new Claims("sluice.bench.dmacore",
            "usage: ./sluice bench dmacore [--json FILE]    dma-bufs: transfers, flushes, attaching",
            List.of(new Claim("a transfer of a coherent buffer, no recorder", "TransferBenchmark.coherent",
                    Relation.NANOSECONDS, "", 50),
                    new Claim("a transfer of a coherent buffer, recorded", "TransferBenchmark.coherentRecorded",
                            Relation.NANOSECONDS, "", 120),
                    new Claim("a skipped flush of 1080p / the flush", "FlushBenchmark.skipped", Relation.RATIO,
                            "FlushBenchmark.flushed", 1 / 20.0),
                    new Claim("write-back of scattered 1080p / C, a fence a run", "FlushBenchmark.writeBack",
                            Relation.RATIO, "FlushBenchmark.writeBackC", 1.05),
                    new Claim("attach and map 2025 scattered pages", "AttachBenchmark.attachAndMap",
                            Relation.MICROSECONDS, "", 60)));

    private DmacoreBench() {}

    public static void main(String[] arguments) throws RunnerException {
        CLAIMS.check(arguments);
    }
}
