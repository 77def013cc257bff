package sluice.guest.verdict;

import java.nio.file.Path;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.guest.verdict.Verdicts.Verdict;

import static org.assertj.core.api.Assertions.assertThat;

/** The judge of mistakes that PIT has made: what no test notices is listed with a reason, and seldom. */
class MutantsTest {
    private static final String FENCE = "sluice.iommu.epoch.Readers#await | "
            + "removed call to java/lang/invoke/VarHandle::fullFence";

    private static @Nullable Verdicts mutants;

    @TempDir
    private Path house;

    @BeforeAll
    static void compile(@TempDir Path classes) throws Exception {
        mutants = new Verdicts("Mutants", classes);
    }

    @BeforeEach
    void list() {
        Verdicts.write(house.resolve(".ci/survivors"), "# why\n" + FENCE + " | 1 | seen by the litmus tests\n");
    }

    private Verdict verdict(String... arguments) {
        if (mutants == null) throw new IllegalStateException("it was compiled before");
        return mutants.of(house, Map.of(), arguments);
    }

    private static String mutant(String method, String description, boolean detected) {
        return """
                <mutation detected='%s' status='%s' numberOfTestsRun='3'><sourceFile>Readers.java</sourceFile>
                <mutatedClass>sluice.iommu.epoch.Readers</mutatedClass><mutatedMethod>%s</mutatedMethod>
                <methodDescription>()V</methodDescription><lineNumber>90</lineNumber><mutator>m</mutator>
                <killingTest/><description>%s</description></mutation>
                """.formatted(detected, detected ? "KILLED" : "SURVIVED", method, description);
    }

    private void report(int noticed, String survivors) {
        Verdicts.write(house.resolve("iommu/target/mutants/iommu.xml"),
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><mutations partial=\"true\">"
                        + mutant("await", "negated conditional", true).repeat(noticed) + survivors + "</mutations>");
    }

    private static String fence() {
        return mutant("await", "removed call to java/lang/invoke/VarHandle::fullFence", false);
    }

    @Test
    void aListedSurvivorIsAllowed() {
        report(49, fence());
        Verdict verdict = verdict("iommu");
        assertThat(verdict.lines()).containsExactly("sluice.iommu.epoch             49 of   50,  98.0 %",
                "49 of 50 mutants are killed");
        assertThat(verdict.status()).isZero();
    }

    @Test
    void asOftenAsItIsListed() {
        report(49, fence() + fence());
        Verdict verdict = verdict("iommu");
        assertThat(verdict.lines()).contains("survived, line 90: " + FENCE);
        assertThat(verdict.status()).isEqualTo(1);
    }

    @Test
    void aNewSurvivorFails() {
        report(99, mutant("lambda$await$3", "replaced int return with 0", false));
        Verdict verdict = verdict("iommu");
        assertThat(verdict.lines())
                .contains("survived, line 90: sluice.iommu.epoch.Readers#await | replaced int return with 0");
        assertThat(verdict.status()).isEqualTo(1);
    }

    @Test
    void manySurvivorsFailEvenIfTheyAreListed() {
        Verdicts.write(house.resolve(".ci/survivors"), FENCE + " | 9 | nobody knows\n");
        report(91, fence().repeat(9));
        assertThat(verdict("iommu").lines())
                .contains("sluice.iommu.epoch: less than 92 % of the mutants are killed");
        assertThat(verdict("iommu").status()).isEqualTo(1);
        report(104, fence().repeat(9));
        assertThat(verdict("iommu").status()).isZero();
    }

    @Test
    void whatALitmusTestNoticesIsNoticed() {
        Verdicts.write(house.resolve(".ci/survivors"), FENCE + " | 9 | litmus: EpochLitmus.Opening\n");
        report(91, fence().repeat(9));
        Verdict verdict = verdict("iommu");
        assertThat(verdict.lines()).contains("sluice.iommu.epoch            100 of  100, 100.0 %");
        assertThat(verdict.status()).isZero();
        report(91, fence().repeat(10));
        assertThat(verdict("iommu").status()).as("once more than listed").isEqualTo(1);
    }

    @Test
    void whatIsNoticedByNowIsToldOf() {
        report(49, mutant("await", "removed call to java/lang/invoke/VarHandle::fullFence", true));
        Verdict verdict = verdict("iommu");
        assertThat(verdict.lines()).contains("killed, but listed: 0 of 1 survive in this run: " + FENCE);
        assertThat(verdict.status()).isZero();
    }

    @Test
    void noReportAndAnEmptyOneFail() {
        assertThat(verdict("iommu").lines())
                .anyMatch(line -> line.startsWith("iommu/target/mutants/iommu.xml cannot"));
        assertThat(verdict("iommu").status()).isEqualTo(1);
        report(0, "");
        assertThat(verdict("iommu").lines()).contains("iommu/target/mutants/iommu.xml has no mutant");
        assertThat(verdict("iommu").status()).isEqualTo(1);
    }

    @Test
    void aSurvivorWithoutReasonFails() {
        report(9, "");
        Verdicts.write(house.resolve(".ci/survivors"), FENCE + " | 1 |\n");
        assertThat(verdict("iommu").lines()).anyMatch(line -> line.startsWith(".ci/survivors: "));
        assertThat(verdict("iommu").status()).isEqualTo(1);
    }

    @Test
    void itKnowsWhereMistakesAreMade() {
        assertThat(verdict("--targets", "vdev").lines()).containsExactly("vdev.gpu sluice.vdev.gpu.* sluice.vdev.gpu.*",
                "vdev.queue sluice.vdev.queue.* sluice.vdev.queue.*",
                "vdev.vhostuser sluice.vdev.vhostuser.* sluice.vdev.vhostuser.*");
        assertThat(verdict("--targets").lines()).hasSize(8);
        assertThat(verdict("--targets", "iommu.epoch", "vdev.gpu").lines()).containsExactly(
                "iommu.epoch sluice.iommu.epoch.* sluice.iommu.*", "vdev.gpu sluice.vdev.gpu.* sluice.vdev.gpu.*");
        assertThat(verdict("--targets", "attic").status()).isEqualTo(2);
        assertThat(verdict("iommu", "attic").status()).isEqualTo(2);
        assertThat(verdict("vdev.g").status()).isEqualTo(2);
    }

    @Test
    void aPackageHasAReportOfItsOwn() {
        report(9, "");
        assertThat(verdict("iommu.epoch").lines())
                .anyMatch(line -> line.startsWith("iommu/target/mutants/iommu.epoch.xml cannot"));
    }
}
