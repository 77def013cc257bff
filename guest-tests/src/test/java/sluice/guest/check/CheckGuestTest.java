package sluice.guest.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.Configurations;
import sluice.guest.GuestImage;
import sluice.guest.GuestIommu;
import sluice.guest.GuestKernel;
import sluice.guest.TestGpus;
import sluice.guest.TestQemu;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The whole usual matrix over stock drivers on stock kernels has exactly the failures that are real, each with its cause. {@code
 * swiotlb=force} over udmabuf and over virtio-gpu's dumb buffers is among them, and the system heap is not.
 */
@Tag("guest")
@Tag("matrix")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class CheckGuestTest {
    private static final CacheFolder CACHE = CacheFolder.ofUser();
    private static final String SAA7134 = "saa7134_empress";
    private static final String DT3155 = "dt3155";
    private static final String GPU = "virtio_gpu";

    private static final String PLAIN = "iommu-none.direct.coherent.";
    private static final String NON_COHERENT = "iommu-none.direct.non-coherent.";
    private static final String BOUNCED = "iommu-none.bounced.coherent.";
    private static final String TRANSLATED = "iommu-intel-lazy.direct.coherent.";

    /** Why cells may be skipped. */
    private static final Pattern SKIPPED = Pattern.compile(
            "takes no memory of this kind|behind an IOMMU|only on a machine with an IOMMU|this kernel lacks CONFIG_VFIO_PCI_DMABUF|imports no buffers of others|mapped write-combined");

    /**
     * A run.
     *
     * @param kernel as {@code --kernel} names it
     * @param wrongBytes names of the cells with wrong bytes, or none, without the use sync; null if only known failures are expected
     * @param wrongCalls those with right bytes, and calls that kernel/dma/debug.c would report
     */
    record Run(String driver, String kernel, List<Cell> cells, @Nullable Set<String> wrongBytes,
            Set<String> wrongCalls) {
        @Override
        public String toString() {
            return "%s, %s, %s".formatted(driver, kernel,
                    cells.stream().map(cell -> cell.setup().label()).distinct().collect(Collectors.joining(", ")));
        }

        Card card() {
            return card(driver);
        }

        private static Card card(String driver) {
            return Card.ALL.stream().filter(one -> one.driver().equals(driver)).findFirst().orElseThrow();
        }

        static Run usual(String driver, String kernel, Set<String> wrongBytes, Set<String> wrongCalls) {
            return new Run(driver, kernel, Matrix.usual(card(driver)), wrongBytes, wrongCalls);
        }

        /** Only its cells of one machine. */
        Run on(String machine) {
            return new Run(driver, kernel, cells.stream().filter(cell -> cell.name().startsWith(machine)).toList(),
                    of(machine, wrongBytes == null ? Set.of() : wrongBytes), of(machine, wrongCalls));
        }

        private static Set<String> of(String machine, Set<String> names) {
            return names.stream().filter(name -> name.startsWith(machine)).collect(Collectors.toSet());
        }

        /** The blob GPU. The driver of Linux 6.12 imports nothing. */
        static Run ofScreen(String kernel, Set<String> wrongBytes) {
            return usual(GPU, kernel, wrongBytes, Set.of());
        }

        static Run behind(GuestIommu iommu) {
            return new Run(SAA7134, "newest", Matrix.of(List.of(new Setup(iommu, false, true),
                    new Setup(iommu, false, false)), List.of(Memory.values()), List.of(Use.SYNC)), null, Set.of());
        }
    }

    static List<Run> runs() {
        Set<String> notFetched = Set.of(NON_COHERENT + "dumb", BOUNCED + "udmabuf",
                BOUNCED + "udmabuf-huge", BOUNCED + "udmabuf-twice", BOUNCED + "dumb", BOUNCED + "vgem",
                BOUNCED + "vivid");
        Set<String> misplaced = Set.of(PLAIN + "udmabuf-huge", NON_COHERENT + "udmabuf-huge");
        Set<String> calls = Set.of(PLAIN + "udmabuf", PLAIN + "udmabuf-twice", PLAIN + "heap",
                NON_COHERENT + "udmabuf", NON_COHERENT + "udmabuf-twice", NON_COHERENT + "heap", BOUNCED + "heap",
                TRANSLATED + "udmabuf", TRANSLATED + "udmabuf-twice");
        Set<String> captured = both(notFetched, Set.of(NON_COHERENT + "blob", BOUNCED + "blob"));
        Run newest = Run.usual(SAA7134, "newest", captured, both(calls, misplaced));
        return Configurations.of(List.of(newest.on(BOUNCED)),
                List.of(newest, Run.usual(SAA7134, "current", both(captured, misplaced), calls),
                        Run.usual(DT3155, "newest", Set.of(BOUNCED + "udmabuf-huge", BOUNCED + "vivid"),
                                both(misplaced, Set.of(TRANSLATED + "heap", TRANSLATED + "udmabuf",
                                        TRANSLATED + "udmabuf-huge", TRANSLATED + "udmabuf-twice"))),
                        Run.behind(GuestIommu.INTEL_LAZY), Run.behind(GuestIommu.VIRTIO),
                        Run.ofScreen("newest", both(notFetched, Set.of(PLAIN + "udmabuf.short"))),
                        Run.ofScreen("current", Set.of(BOUNCED + "vivid"))));
    }

    private static Set<String> both(Set<String> one, Set<String> other) {
        return Stream.concat(one.stream(), other.stream()).collect(Collectors.toSet());
    }

    @ParameterizedTest
    @MethodSource("runs")
    void nothingFailsButWhatIsKnown(Run run) throws Exception {
        CheckResult result = check(run);
        List<CellResult> failed = new ArrayList<>();
        for (CellResult cell : result.cells()) {
            switch (cell.outcome()) {
                case PASS -> {
                }
                case SKIP -> assertThat(cell.reason()).containsPattern(SKIPPED);
                case FAIL, INCONCLUSIVE -> failed.add(cell);
            }
        }
        assertThat(failed).allSatisfy(cell -> assertThat(cell.reason()).as(cell.cell().name()).startsWith("known: "));
        assertThat(result.count(Outcome.PASS)).isPositive();
        Set<String> wrongBytes = run.wrongBytes();
        if (wrongBytes == null) return;
        failed.removeIf(CheckGuestTest::isOnlyOfTheStop);
        assertThat(failed.stream().map(CheckGuestTest::key))
                .containsExactlyInAnyOrderElementsOf(both(wrongBytes, run.wrongCalls()));
        for (CellResult cell : failed) {
            Bytes bytes = cell.bytes();
            String name = key(cell);
            assertThat(bytes != null && bytes.areRight()).as(name).isEqualTo(!wrongBytes.contains(name));
            if (bytes != null) assertThat(bytes.differences()).as(name).hasSize(bytes.areRight() ? 0 : 3);
            assertThat(cell.timeline().lines()).as(name).hasSizeLessThan(100);
            // A map that fails, or a device that refuses a command, breaks no rule of the DMA API.
            if (!run.driver().equals(SAA7134)) continue;
            assertThat(cell.timeline().lines()).as(name)
                    .anyMatch(line -> line instanceof Timeline.Event event && event.broke());
            assertThat(cell.findings()).filteredOn(finding -> finding.site().startsWith("dma_")).as(name)
                    .allSatisfy(finding -> assertThat(finding.chain()).hasSizeGreaterThan(3)
                            .anyMatch(function -> function.startsWith("do_syscall_64+")));
        }
    }

    /** The card may write between two calls of saa7134's, when a stream stops: few runs see it. */
    private static boolean isOnlyOfTheStop(CellResult cell) {
        return cell.reason().matches("known: saa7134 gives the buffer that is being written back [^;]*");
    }

    /** Its name; without its use if that is no mistake. */
    private static String key(CellResult cell) {
        String name = cell.cell().name();
        return cell.cell().use() == Use.SYNC ? name.substring(0, name.lastIndexOf('.')) : name;
    }

    private static CheckResult check(Run one) throws Exception {
        QemuBinary qemu = TestQemu.QEMU_11.binary();
        GuestImage image = CheckMachine.image(one.card(), GuestKernel.named(one.kernel(), CACHE), CACHE);
        CheckRun run = new CheckRun(TestGpus.launcher(), qemu, image, one.card(), CACHE,
                new Judge(KnownFaults.shipped().of(one.card())));
        CheckResult result = run.run(one.cells(),
                cell -> System.out.printf("%s %s %s%n", cell.outcome(), cell.cell().name(), cell.reason()));
        System.out.printf("Linux %s: %d passed, %d failed, in %d s%n", result.kernel(), result.count(Outcome.PASS),
                result.count(Outcome.FAIL), result.time().toSeconds());
        assertThat(result.cells()).hasSameSizeAs(one.cells());
        return result;
    }
}
