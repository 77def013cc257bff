package sluice.guest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.guest.build.KernelModule;
import sluice.vdev.fixture.InvertingDevice;
import sluice.vdev.serve.WitnessedProcess;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A driver of our own ({@code kmod/mistakes}) that makes one mistake of one line at a time: each is found and named, whether its device
 * snoops or not, and where the device does not, the CPU sees the bytes that a machine without coherent DMA would show.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
class MistakesGuestTest {
    private static final String PHYS = "dma_map_phys|dma_map_page";
    private static final String UNMAP = "dma_unmap_phys|dma_unmap_page";
    private static final String FOR_CPU = "dma_sync_single_for_cpu";
    private static final String FOR_DEVICE = "dma_sync_single_for_device";

    /** The mistakes, in the order of the driver's; with what the CPU sees of both rounds where the device does not snoop. */
    enum Mistake {
        NONE("right right", null, ""),
        NO_SYNC_FOR_CPU("stale right", Rule.NEVER_FETCHED, FOR_DEVICE),
        NO_SYNC_FOR_DEVICE("right stale", Rule.MISSING_SYNC_FOR_DEVICE, PHYS),
        MAP_DIRECTION("stale other", Rule.DEVICE_AGAINST_DIRECTION, PHYS),
        SYNC_DIRECTION("stale right", Rule.D21_SYNC_DIRECTION, FOR_CPU),
        SYNC_TOO_LONG("right right", Rule.D20_SYNC_TOO_LONG, FOR_CPU),
        SYNC_AFTER_UNMAP("right right", Rule.D19_SYNC_NOT_MAPPED, FOR_CPU),
        EARLY_UNMAP("right right", Rule.DEVICE_AFTER_UNMAP, UNMAP),
        DMA_AFTER_UNMAP("right right", Rule.DEVICE_AFTER_UNMAP, UNMAP),
        DMA_TOO_LONG("right right", Rule.DEVICE_FOREIGN_ADDRESS, "never mapped"),
        DOUBLE_MAP("right right", Rule.D17_OVERLAPPING_WRITES, PHYS),
        DOUBLE_UNMAP("right right", Rule.D2_UNMAP_NOT_MAPPED, UNMAP),
        UNMAP_DIRECTION("right right", Rule.D7_UNMAP_DIRECTION, UNMAP),
        UNMAP_SIZE("right other", Rule.D3_UNMAP_SIZE, UNMAP),
        SKIPPED_SYNC("right stale", Rule.NEVER_FETCHED, UNMAP),
        LEAK("right stale", Rule.D25_MAPPED_AT_DETACH, "driver unbound"),
        UNMAP_ERROR("right right", Rule.D1_UNMAP_OF_ERROR, UNMAP),
        UNMAP_FUNCTION("right right", Rule.D4_UNMAP_FUNCTION, UNMAP),
        LIST_SYNC("right right", Rule.D24_SYNC_ENTRIES, "dma_sync_sg_for_device"),
        LIST_UNMAP("right right", Rule.D6_UNMAP_ENTRIES, "dma_unmap_sg");

        private final String seen;
        private final @Nullable Rule rule;
        /** Of the kernel's call that is named: alternatives. */
        private final String call;

        Mistake(String seen, @Nullable Rule rule, String call) {
            this.seen = seen;
            this.rule = rule;
            this.call = call;
        }
    }

    /** @param kernelOf the QEMU whose time's kernel is booted */
    record Configuration(boolean snoops, TestQemu kernelOf) {
        @Override
        public String toString() {
            return "%s, Linux of %s".formatted(snoops ? "coherent" : "non-coherent", kernelOf);
        }
    }

    private static @Nullable TestGuest running;
    private static @Nullable WitnessedProcess served;

    private final boolean snoops;
    private final TestGuest guest = Objects.requireNonNull(running, "a machine was started before");
    private final Findings findings = Objects.requireNonNull(served, "it is served").findings();

    MistakesGuestTest(Configuration configuration) {
        snoops = configuration.snoops;
    }

    static List<Configuration> configurations() {
        return Configurations.of(
                List.of(new Configuration(false, TestQemu.QEMU_11), new Configuration(true, TestQemu.QEMU_11)),
                List.of(new Configuration(false, TestQemu.QEMU_10), new Configuration(true, TestQemu.QEMU_10)));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws Exception {
        GuestKernel kernel = GuestKernel.forQemu(configuration.kernelOf.binary(), TestQemu.CACHE);
        GuestImage image = GuestImage.of(kernel)
                .module(KernelModule.build(kernel.headers(TestQemu.CACHE), "witness", TestQemu.CACHE), "")
                .module(KernelModule.build(kernel.headers(TestQemu.CACHE), "mistakes", TestQemu.CACHE), "")
                .build(TestQemu.CACHE);
        WitnessedProcess process = new WitnessedProcess(new InvertingDevice(), configuration.snoops);
        served = process;
        List<String> arguments = new ArrayList<>();
        for (Path socket : process.sockets()) arguments.addAll(TestGuest.vfioUser(socket, ""));
        running = TestGuest.boot(process, TestQemu.QEMU_11.binary(), image, "", arguments);
        running.run("rmmod mistakes");
    }

    @AfterParameterizedClassInvocation
    static void end() throws Exception {
        TestGuest ended = running;
        running = null;
        if (ended != null) ended.close();
    }

    /** Loads the driver, and unloads it; what it saw of both rounds. */
    @SuppressWarnings("EnumOrdinal") // the module counts them the same way
    private String drive(Mistake mistake) throws Exception {
        findings.clear();
        guest.run("insmod /modules/mistakes.ko mistake=" + mistake.ordinal());
        guest.qemu().console().send("cat /sys/bus/pci/drivers/mistakes/0*/saw");
        String saw = guest.awaitLine("^SLUICE mistake " + mistake.ordinal() + " saw (\\w+ \\w+)").group(1);
        guest.awaitExit("cat saw", 0);
        guest.run("rmmod mistakes");
        System.out.println(mistake + (snoops ? " coherent: " : " non-coherent: ") + saw + "\n" + findings.report());
        return saw;
    }

    @Test
    void aRightDriverIsFoundNothingOf() throws Exception {
        for (int round = 0; round < 3; round++) {
            assertThat(drive(Mistake.NONE)).isEqualTo("right right");
            assertThat(findings.all()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(value = Mistake.class, names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void aMistakeIsFoundAndNamed(Mistake mistake) throws Exception {
        String saw = drive(mistake);
        assertThat(findings.all()).extracting(Findings.Counted::finding).as(findings.report())
                .anySatisfy(finding -> {
                    assertThat(finding.rule()).isEqualTo(mistake.rule);
                    assertThat(finding.device()).isEqualTo("card");
                    assertThat(named(finding)).containsPattern(mistake.call);
                    if (Pattern.matches("(" + mistake.call + ") .*", finding.site()))
                        assertThat(finding.chain()).as("the call chain").contains(" [mistakes]");
                });
        // A machine whose DMA is coherent hides every one of them.
        assertThat(saw).isEqualTo(snoops ? "right right" : mistake.seen);
        // The driver that comes next is not blamed for it.
        drive(Mistake.NONE);
        assertThat(findings.all()).isEmpty();
    }

    private static String named(Finding finding) {
        return finding.site() + " " + finding.buffer() + " " + finding.what();
    }
}
