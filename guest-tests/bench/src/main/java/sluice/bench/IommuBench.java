package sluice.bench;

import java.util.List;

import org.openjdk.jmh.runner.RunnerException;

import sluice.bench.Claims.Claim;
import sluice.bench.Claims.Relation;

/** {@code sluice bench iommu [--json FILE]}: what address spaces cost, beside what they are measured by. */
public final class IommuBench {
    private static final Claims CLAIMS = new Claims("sluice.bench.iommu",
            "usage: ./sluice bench iommu [--json FILE]    address spaces: translating, mapping, copying", List.of(
                    new Claim("flat translation / array load", "TranslateBenchmark.flatChain", Relation.RATIO,
                            "TranslateBenchmark.arrayLoadChain", 2),
                    new Claim("radix translation / flat one", "TranslateBenchmark.radixChain", Relation.RATIO,
                            "TranslateBenchmark.flatChain", 4),
                    new Claim("read-side protection", "TranslateBenchmark.flatProtected", Relation.DIFFERENCE,
                            "TranslateBenchmark.flat", 1),
                    new Claim("map and unmap of 1 GiB in 4 KiB pages, flat", "MapBenchmark.gibibyteFlat",
                            Relation.MICROSECONDS, "",
                            1000),
                    new Claim("map and unmap of 1 GiB in 4 KiB pages, radix", "MapBenchmark.gibibyteRadix",
                            Relation.MICROSECONDS, "",
                            1000),
                    new Claim("map and unmap of 2025 scattered pages, flat", "MapBenchmark.frameFlat",
                            Relation.MICROSECONDS, "", 10),
                    new Claim("map and unmap of 2025 scattered pages, radix", "MapBenchmark.frameRadix",
                            Relation.MICROSECONDS, "",
                            10),
                    new Claim("copy through the flat table / memcpy", "CopyBenchmark.flat", Relation.RATIO,
                            "CopyBenchmark.memcpy", 1 / 0.95),
                    new Claim("copy through the radix table / memcpy", "CopyBenchmark.radix", Relation.RATIO,
                            "CopyBenchmark.memcpy",
                            1 / 0.95),
                    new Claim("copy through the flat table / the pages without", "CopyBenchmark.flat", Relation.RATIO,
                            "CopyBenchmark.pages",
                            1 / 0.95)));

    private IommuBench() {}

    public static void main(String[] arguments) throws RunnerException {
        CLAIMS.check(arguments);
    }
}
