package sluice.guest.check;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.Configurations;
import sluice.guest.GuestImage;
import sluice.guest.GuestIommu;
import sluice.guest.GuestKernel;
import sluice.guest.TestGpus;
import sluice.guest.TestQemu;
import sluice.vdev.profile.DeviceProfile;
import sluice.vdev.profile.Profile;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.qemu.CacheFolder;

import static org.assertj.core.api.Assertions.assertThat;

/** A check whose machines are profiled: each has a report of what its card and the kernel's calls took. */
@Tag("guest")
@Tag("matrix")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ProfiledCheckGuestTest {
    private static final CacheFolder CACHE = CacheFolder.ofUser();

    static List<TestQemu> qemus() {
        return Configurations.of(List.of(), List.of(TestQemu.QEMU_11));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("qemus")
    void eachMachineHasAProfile(TestQemu qemu, @TempDir Path folder) throws Exception {
        Card card = Card.ALL.stream().filter(one -> one.driver().equals("saa7134_empress")).findFirst().orElseThrow();
        GuestImage image = CheckMachine.image(card, GuestKernel.named("newest", CACHE), CACHE);
        List<Cell> cells = Matrix.of(
                List.of(new Setup(GuestIommu.NONE, false, true), new Setup(GuestIommu.NONE, false, false)),
                List.of(Memory.MMAP), List.of(Use.SYNC));
        CheckRun run = new CheckRun(TestGpus.launcher(), qemu.binary(), image, card, CACHE,
                new Judge(KnownFaults.shipped().of(card))).profiled(folder.resolve("profiles"));
        CheckResult result = run.run(cells, _ -> {});
        // What stopping a stream does wrong is seen in some runs.
        assertThat(result.cells()).hasSize(2).allSatisfy(cell -> assertThat(
                cell.outcome() == Outcome.PASS || cell.reason().startsWith(KnownFaults.KNOWN)).as("%s", cell).isTrue());
        assertThat(run.unwritten()).isEmpty();
        for (String setup : List.of("iommu-none.direct.coherent", "iommu-none.direct.non-coherent")) {
            ProfileFolder files = new ProfileFolder(folder.resolve("profiles").resolve(setup));
            for (Path file : List.of(files.report(), files.trace(), files.jfr())) assertThat(file).isNotEmptyFile();
            Profile profile = files.read();
            assertThat(profile.devices()).extracting(DeviceProfile::name).anyMatch(name -> name.startsWith("vfg7350"));
            assertThat(files.report()).content().contains("<h2>vfg7350");
        }
    }
}
