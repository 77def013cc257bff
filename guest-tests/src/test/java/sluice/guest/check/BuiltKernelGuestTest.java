package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

import sluice.guest.BuiltTree;
import sluice.guest.GuestIommu;
import sluice.guest.GuestKernel;
import sluice.guest.TestGpus;
import sluice.guest.TestQemu;
import sluice.vdev.qemu.CacheFolder;

import static org.assertj.core.api.Assertions.assertThat;

/** Kernels that somebody has built, under {@code --kdir}: Debian's as if it were one, and one from Debian's source with a minimal configuration. */
@Tag("guest")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class BuiltKernelGuestTest {
    private static final CacheFolder CACHE = CacheFolder.ofUser();
    private static final Card CARD = Card.ALL.getFirst();

    @TempDir
    private Path folder;

    /** What {@code guest-tests/host/kernel-tree.sh} has built. */
    private static Path tree() {
        return CACHE.path().resolve("tree/build");
    }

    static boolean isBuilt() {
        return Files.isReadable(tree().resolve("arch/x86/boot/bzImage"))
                && Files.isReadable(tree().resolve("Module.symvers"));
    }

    private static CheckResult check(Path kdir, List<Cell> cells) throws IOException, InterruptedException {
        GuestKernel kernel = GuestKernel.built(kdir);
        CheckRun run = new CheckRun(TestGpus.launcher(), TestQemu.QEMU_11.binary(),
                CheckMachine.image(CARD, kernel, CACHE), CARD, CACHE, new Judge(KnownFaults.shipped().of(CARD)));
        return run.run(cells,
                cell -> System.out.printf("%s %s %s%n", cell.outcome(), cell.cell().name(), cell.reason()));
    }

    @Test
    void anInstalledKernelIsChecked() throws Exception {
        Path kdir = BuiltTree.installed(GuestKernel.named("newest", CACHE), CACHE, folder);
        CheckResult result = check(kdir, List.of(new Cell(new Setup(GuestIommu.NONE, false, false), Memory.MMAP,
                Use.SYNC)));
        assertThat(result.exitStatus()).isZero();
    }

    /** The whole usual matrix: what fails is what fails on Debian's 6.12. */
    @Test
    @Tag("long")
    @EnabledIf(value = "isBuilt", disabledReason = "guest-tests/host/kernel-tree.sh has not been run")
    void aMinimalKernelOfDebiansSourceIsChecked() throws Exception {
        List<Cell> cells = Matrix.usual(CARD);
        CheckResult result = check(tree(), cells);
        assertThat(result.cells()).hasSameSizeAs(cells);
        assertThat(result.cells()).filteredOn(cell -> cell.outcome() == Outcome.SKIP)
                .allSatisfy(cell -> assertThat(cell.reason()).as(cell.cell().name())
                        .containsPattern("this kernel lacks|takes no memory of this kind"));
        assertThat(result.count(Outcome.INCONCLUSIVE)).isZero();
        assertThat(result.count(Outcome.PASS)).isGreaterThan(8);
        assertThat(result.cells()).filteredOn(cell -> cell.outcome() == Outcome.FAIL)
                .allSatisfy(cell -> assertThat(cell.reason()).as(cell.cell().name()).startsWith("known: "));
    }
}
