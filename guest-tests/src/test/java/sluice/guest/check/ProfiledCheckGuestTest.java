package sluice.guest.check;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
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
import sluice.vdev.profile.Stage;
import sluice.vdev.profile.guest.GuestClock;
import sluice.vdev.profile.guest.GuestMatch;
import sluice.vdev.profile.guest.GuestTrace;
import sluice.vdev.qemu.CacheFolder;

import static org.assertj.core.api.Assertions.assertThat;

/** A check whose machines are profiled: each has a report of what its card and the kernel's calls took. */
@Tag("guest")
@Tag("matrix")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ProfiledCheckGuestTest {
    private static final CacheFolder CACHE = CacheFolder.ofUser();
    private static final Additions ADDED = Additions.NONE.traced();

    static List<TestQemu> qemus() {
        return Configurations.of(List.of(), List.of(TestQemu.QEMU_11));
    }

    /** The kernel's calls give the guest's clock; its GPU is QEMU's own, which the report says. */
    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("qemus")
    void eachMachineHasAProfile(TestQemu qemu, @TempDir Path folder) throws Exception {
        Card card = card("saa7134_empress");
        GuestImage image = CheckMachine.image(card, GuestKernel.named("newest", CACHE), ADDED, CACHE);
        List<Cell> cells = Matrix.of(
                List.of(new Setup(GuestIommu.NONE, false, true), new Setup(GuestIommu.NONE, false, false)),
                List.of(Memory.MMAP), List.of(Use.SYNC));
        CheckRun run = new CheckRun(TestGpus.launcher(), qemu.binary(), image, card, CACHE,
                new Judge(KnownFaults.shipped().of(card))).with(ADDED).profiled(folder.resolve("profiles"));
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
            assertThat(files.report()).content().contains("<h2>vfg7350", "its kernel has told the witness of",
                    "No request of a GPU&#39;s driver is matched.");
            GuestMatch guest = Objects.requireNonNull(profile.guest());
            assertThat(guest.problems()).isEmpty();
            assertThat(guest.calls()).isGreaterThan(50);
            assertThat(guest.others()).extracting(GuestTrace.Other::name).contains("irq_handler_entry");
            GuestClock clock = Objects.requireNonNull(guest.clock());
            assertThat(clock.uncertainty()).isBetween(0.0, 20e6);
            assertThat(clock.driftMicros()).isBetween(-1000.0, 1000.0);
            assertThat(Files.readString(files.trace(), StandardCharsets.ISO_8859_1)).contains("Guest", "DMA calls",
                    "interrupts", "dma_");
        }
    }

    /** The card is a virtio-gpu: the requests of its driver are matched, and those of QEMU's own are not taken for them. */
    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("qemus")
    void theDriverOfAVirtioGpuIsInItsProfile(TestQemu qemu, @TempDir Path folder) throws Exception {
        Card card = card("virtio_gpu");
        GuestImage image = CheckMachine.image(card, GuestKernel.named("newest", CACHE), ADDED, CACHE);
        Setup setup = new Setup(GuestIommu.NONE, false, true);
        CheckRun run = new CheckRun(TestGpus.launcher(), qemu.binary(), image, card, CACHE,
                new Judge(KnownFaults.shipped().of(card))).with(ADDED).profiled(folder);
        CheckResult result = run.run(Matrix.of(List.of(setup), List.of(Memory.MMAP), List.of(Use.SYNC)), _ -> {});
        assertThat(result.cells()).hasSize(1).allSatisfy(
                cell -> assertThat(cell.outcome()).as("%s", cell).isEqualTo(Outcome.PASS));
        assertThat(run.unwritten()).isEmpty();
        ProfileFolder files = new ProfileFolder(folder.resolve(setup.label()));
        Profile profile = files.read();
        GuestMatch guest = Objects.requireNonNull(profile.guest());
        assertThat(guest.problems()).isEmpty();
        assertThat(guest.notes()).isEmpty();
        assertThat(guest.calls()).isPositive();
        assertThat(guest.takenEarly()).isZero();
        DeviceProfile gpu = profile.devices().stream().filter(one -> one.name().equals(guest.device())).findFirst()
                .orElseThrow();
        long requests = gpu.requests().stream().mapToLong(kind -> kind.total().count()).sum();
        assertThat(guest.matched()).isBetween(requests * 9 / 10, requests);
        assertThat(Objects.requireNonNull(guest.clock()).uncertainty()).isBetween(0.0, 20e6);
        assertThat(gpu.of(Stage.DELIVERY).sum()).isPositive();
        assertThat(files.report()).content().contains("requests of its trace are matched with those of",
                "requests and calls alone", "submit to kick");
    }

    private static Card card(String driver) {
        return Card.ALL.stream().filter(one -> one.driver().equals(driver)).findFirst().orElseThrow();
    }
}
