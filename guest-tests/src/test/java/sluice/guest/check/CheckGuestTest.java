package sluice.guest.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.Configurations;
import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.TestGpus;
import sluice.guest.TestQemu;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The whole usual matrix over a stock driver on stock kernels has exactly the failures that are real, each with its cause. {@code
 * swiotlb=force} over udmabuf and over virtio-gpu's dumb buffers is among them, and the system heap is not.
 */
@Tag("guest")
@Tag("matrix")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class CheckGuestTest {
    private static final CacheFolder CACHE = CacheFolder.ofUser();

    /** Cells with wrong bytes. */
    private static final Set<String> WRONG_BYTES = Set.of("iommu-none.direct.non-coherent.dumb.sync",
            "iommu-none.bounced.coherent.udmabuf.sync", "iommu-none.bounced.coherent.dumb.sync");
    /** Cells with right bytes, and calls that kernel/dma/debug.c would report. */
    private static final Set<String> WRONG_CALLS = Set.of("iommu-none.direct.coherent.udmabuf.sync",
            "iommu-none.direct.coherent.heap.sync", "iommu-none.direct.non-coherent.udmabuf.sync",
            "iommu-none.direct.non-coherent.heap.sync", "iommu-none.bounced.coherent.heap.sync");

    /** @param kernel as {@code --kernel} names it */
    record Machines(String kernel, List<Setup> setups) {
        @Override
        public String toString() {
            return kernel + setups.stream().map(Setup::label).collect(Collectors.joining(", ", ": ", ""));
        }
    }

    private static Machines behind(Setup.Iommu iommu) {
        return new Machines("newest", List.of(new Setup(iommu, false, true), new Setup(iommu, false, false)));
    }

    static List<Machines> machines() {
        return Configurations.of(List.of(new Machines("newest", Matrix.USUAL)),
                List.of(new Machines("current", Matrix.USUAL), behind(Setup.Iommu.INTEL_LAZY),
                        behind(Setup.Iommu.VIRTIO)));
    }

    @ParameterizedTest
    @MethodSource("machines")
    void nothingFailsButWhatIsKnown(Machines machines) throws Exception {
        CheckResult result = check(machines);
        List<CellResult> failed = new ArrayList<>();
        for (CellResult cell : result.cells()) {
            switch (cell.outcome()) {
                case PASS -> {
                }
                case SKIP -> assertThat(cell.reason()).contains("behind an IOMMU");
                case FAIL, INCONCLUSIVE -> failed.add(cell);
            }
        }
        assertThat(failed).allSatisfy(cell -> assertThat(cell.reason()).as(cell.cell().name()).startsWith("known: "));
        assertThat(result.count(Outcome.PASS)).isPositive();
        if (!machines.setups().equals(Matrix.USUAL)) return;
        assertThat(failed.stream().map(cell -> cell.cell().name())).containsExactlyInAnyOrderElementsOf(
                Stream.concat(WRONG_BYTES.stream(), WRONG_CALLS.stream()).collect(Collectors.toSet()));
        for (CellResult cell : failed) {
            Bytes bytes = cell.bytes();
            assertThat(bytes != null && bytes.areRight()).as(cell.cell().name())
                    .isEqualTo(!WRONG_BYTES.contains(cell.cell().name()));
        }
    }

    private static CheckResult check(Machines machines) throws Exception {
        Card card = Card.ALL.getFirst();
        QemuBinary qemu = TestQemu.QEMU_11.binary();
        GuestImage image = CheckMachine.image(card, GuestKernel.named(machines.kernel(), CACHE), CACHE);
        CheckRun run = new CheckRun(TestGpus.launcher(), qemu, image, card, CACHE, new Judge(KnownFaults.shipped()));
        List<Cell> cells = Matrix.of(machines.setups(), List.of(Cell.Memory.values()),
                machines.setups().equals(Matrix.USUAL) ? List.of(Cell.Use.values()) : List.of(Cell.Use.SYNC));
        CheckResult result = run.run(cells,
                cell -> System.out.printf("%s %s %s%n", cell.outcome(), cell.cell().name(), cell.reason()));
        System.out.printf("Linux %s: %d passed, %d failed, in %d s%n", result.kernel(), result.count(Outcome.PASS),
                result.count(Outcome.FAIL), result.time().toSeconds());
        assertThat(result.cells()).hasSameSizeAs(cells);
        return result;
    }
}
