package sluice.guest;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.EvaluationResult;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/**
 * The rules of the house, held by looking at every class of every floor: what may know what. Each is also shown a class
 * that breaks it, because a rule that nothing can break holds everywhere.
 */
class HouseTest {
    /** The rooms that know of waiting: fences, and what is found about them. */
    private static final String[] FENCES = { "sluice.dmacore.fence..", "sluice.dmacore.finding.fence.." };

    private static JavaClasses house;
    private static JavaClasses crooked;

    /** Code that ships: not that of tests and fixtures, which lie in folders and jars of their own. */
    private static final class NoTests implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("/test-classes/") && !location.contains("-tests.jar");
        }
    }

    @BeforeAll
    static void lookAtEveryClass(@TempDir Path folder) throws Exception {
        // Names are all that the rules look at: classes outside the house need not be read.
        ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
        house = new ClassFileImporter().withImportOption(new NoTests()).importPackages("sluice");
        crooked = CrookedHouse.build(folder);
    }

    static Stream<Arguments> rules() {
        return Stream.of(
                arguments(noFloorLooksUp("sluice.iommu..", "sluice.dmacore..", "sluice.vdev..", "sluice.guest.."),
                        List.of("sluice.iommu.LooksUp")),
                arguments(noFloorLooksUp("sluice.dmacore..", "sluice.vdev..", "sluice.guest.."),
                        List.of("sluice.dmacore.memory.LooksFarUp")),
                arguments(noFloorLooksUp("sluice.vdev..", "sluice.guest.."), List.of("sluice.vdev.io.LooksAtTests")),
                arguments(onlyKnows("sluice.iommu..", "sluice.iommu..", "java..", "org.jspecify.."),
                        List.of("sluice.iommu.LooksUp")),
                arguments(onlyKnows("sluice.dmacore.fence..", "sluice.dmacore.fence..", "sluice.dmacore.linux..",
                        "java..", "org.jspecify..", "org.slf4j.."), List.of("sluice.dmacore.fence.KnowsMemory")),
                arguments(noClasses().that(
                        resideInAPackage("sluice.dmacore..").and(DescribedPredicate.not(resideInAnyPackage(FENCES)))
                                .as("reside in sluice.dmacore and are not about fences"))
                        .should().dependOnClassesThat().resideInAnyPackage(FENCES)
                        .because("sharing memory works without fences"),
                        List.of("sluice.dmacore.space.KnowsFences", "sluice.dmacore.buffer.KnowsFences",
                                "sluice.dmacore.finding.KnowsFenceFindings")),
                arguments(noClasses().that().resideOutsideOfPackage("sluice.dmacore.linux..").should()
                        .dependOnClassesThat().haveFullyQualifiedName("java.lang.foreign.Linker").orShould()
                        .dependOnClassesThat().haveFullyQualifiedName("java.lang.foreign.SymbolLookup")
                        .because("all Linux calls are in one place"),
                        List.of("sluice.vdev.queue.Links", "sluice.vdev.queue.LooksSymbolsUp")),
                arguments(noClasses().that().resideInAPackage("sluice..").should().dependOnClassesThat()
                        .resideInAPackage("sun.misc.."), List.of("sluice.dmacore.memory.Unsafe")),
                arguments(noClasses().that().resideOutsideOfPackage("sluice.dmacore..").should().dependOnClassesThat()
                        .resideInAPackage("net.openhft.."), List.of("sluice.vdev.io.ReadsBytes")),
                arguments(noClasses().that().resideInAnyPackage("sluice.vdev.gpu..", "sluice.vdev.queue..",
                        "sluice.vdev.device..", "sluice.vdev.pci..", "sluice.vdev.grabber..", "sluice.vdev.plugin..",
                        "sluice.vdev.codec..", "sluice.vdev.tw686x..", "sluice.vdev.vfg7350..", "sluice.vdev.video..",
                        "sluice.vdev.witness..", "sluice.vdev.input..")
                        .should()
                        .dependOnClassesThat().resideInAnyPackage("io.netty..",
                                "sluice.vdev.io..", "sluice.vdev.host..", "sluice.vdev.vhostuser..",
                                "sluice.vdev.vfiouser..",
                                "sluice.vdev.display..", "sluice.vdev.rfb..", "sluice.vdev.feed..",
                                "sluice.vdev.console..", "sluice.vdev.report..", "sluice.vdev.qemu..",
                                "sluice.vdev.serve..", "sluice.vdev.cli..")
                        .because("devices know neither sockets nor QEMU"),
                        List.of("sluice.vdev.gpu.OpensChannels", "sluice.vdev.gpu.KnowsItsViewers",
                                "sluice.vdev.queue.KnowsItsHost",
                                "sluice.vdev.device.KnowsItsTransport")),
                arguments(noClasses().that().resideInAnyPackage("sluice.vdev.vhostuser..", "sluice.vdev.vfiouser..",
                        "sluice.vdev.virtiopci..", "sluice.vdev.host..").should()
                        .dependOnClassesThat()
                        .resideInAnyPackage("sluice.vdev.gpu..", "sluice.vdev.display..", "sluice.vdev.rfb..",
                                "sluice.vdev.input..", "sluice.vdev.feed..",
                                "sluice.vdev.grabber..", "sluice.vdev.plugin..", "sluice.vdev.serve..",
                                "sluice.vdev.cli..")
                        .because("a transport knows no device"),
                        List.of("sluice.vdev.vhostuser.KnowsADevice", "sluice.vdev.virtiopci.KnowsADevice")),
                arguments(onlyKnows("sluice.vdev.codec", "sluice.vdev.codec", "java..", "org.jspecify.."),
                        List.of("sluice.vdev.codec.KnowsALibrary", "sluice.vdev.codec.KnowsACard")),
                arguments(noClasses().that().resideOutsideOfPackage("sluice.vdev.codec.ffmpeg..").should()
                        .dependOnClassesThat().resideInAnyPackage("org.bytedeco..", "sluice.vdev.codec.ffmpeg..")
                        .because("a codec library is optional, and behind one door"),
                        List.of("sluice.vdev.codec.KnowsALibrary", "sluice.vdev.vfg7350.KnowsAnEngine")),
                arguments(noClasses().that().resideInAPackage("sluice.vdev.rfb..").should().dependOnClassesThat()
                        .resideInAnyPackage("sluice.vdev.vhostuser..", "sluice.vdev.vfiouser..",
                                "sluice.vdev.virtiopci..", "sluice.vdev.display..", "sluice.vdev.plugin..",
                                "sluice.vdev.qemu..", "sluice.vdev.serve..", "sluice.vdev.cli..")
                        .because("viewers see a scan-out, whoever serves its device"),
                        List.of("sluice.vdev.rfb.KnowsATransport")),
                arguments(noClasses().that().resideInAPackage("sluice.vdev.console..").should().dependOnClassesThat()
                        .resideInAnyPackage("sluice.vdev.vhostuser..", "sluice.vdev.vfiouser..",
                                "sluice.vdev.virtiopci..", "sluice.vdev.display..", "sluice.vdev.gpu..",
                                "sluice.vdev.rfb..", "sluice.vdev.plugin..", "sluice.vdev.qemu..",
                                "sluice.vdev.serve..", "sluice.vdev.cli..")
                        .because("a console shows reports and screens, whoever has them"),
                        List.of("sluice.vdev.console.KnowsAServerOfScreens")),
                arguments(noClasses().that().resideInAPackage("sluice.vdev.report..").should().dependOnClassesThat()
                        .resideInAnyPackage("io.netty..", "sluice.vdev.io..", "sluice.vdev.host..",
                                "sluice.vdev.console..", "sluice.vdev.gpu..", "sluice.vdev.serve..",
                                "sluice.vdev.cli..")
                        .because("a format of numbers knows neither who has them nor who reads them"),
                        List.of("sluice.vdev.report.KnowsAReader")),
                arguments(noClasses().that().resideInAPackage("sluice.vdev.cli..").should().dependOnClassesThat()
                        .resideInAnyPackage("io.netty..", "sluice.vdev.host..", "sluice.vdev.io..",
                                "sluice.vdev.vhostuser..", "sluice.vdev.vfiouser..", "sluice.vdev.virtiopci..",
                                "sluice.vdev.display..", "sluice.vdev.rfb..", "sluice.vdev.input..",
                                "sluice.vdev.feed..", "sluice.vdev.console..", "sluice.vdev.gpu..",
                                "sluice.vdev.grabber..")
                        .because("the command line says what is to be served, and serve does it"),
                        List.of("sluice.vdev.cli.ServesItself")),
                arguments(noClasses().that().resideInAPackage("sluice.vdev.serve..").should().dependOnClassesThat()
                        .resideInAnyPackage("sluice.vdev.gpu..", "sluice.vdev.rfb..", "sluice.vdev.grabber..",
                                "sluice.vdev.cli..", "picocli..")
                        .because("adding a device touches no other room"),
                        List.of("sluice.vdev.serve.KnowsADevice")),
                arguments(noClasses().that().resideInAPackage("sluice.vdev.io..").should().dependOnClassesThat(
                        resideInAPackage("sluice.vdev..").and(DescribedPredicate.not(resideInAPackage(
                                "sluice.vdev.io.."))).as("reside in another room of sluice.vdev")),
                        List.of("sluice.vdev.io.KnowsQueues")));
    }

    private static ArchRule noFloorLooksUp(String floor, String... above) {
        return noClasses().that().resideInAPackage(floor).should().dependOnClassesThat().resideInAnyPackage(above)
                .because("an arrow never runs back up");
    }

    private static ArchRule onlyKnows(String floor, String... known) {
        return noClasses().that().resideInAPackage(floor).should()
                .dependOnClassesThat(DescribedPredicate.not(resideInAnyPackage(known))
                        .as("reside outside of %s", List.of(known)));
    }

    @Tag("S34")
    @ParameterizedTest
    @MethodSource("rules")
    void everyRuleHoldsAndCanBeBroken(ArchRule rule, List<String> offenders) {
        // ArchUnit itself fails a rule whose set of subjects is empty.
        rule.check(house);
        EvaluationResult broken = rule.evaluate(crooked);
        assertThat(broken.hasViolation()).as(rule.getDescription()).isTrue();
        String report = broken.getFailureReport().toString();
        assertThat(offenders).allSatisfy(offender -> assertThat(report).contains("<" + offender));
    }

    @ParameterizedTest
    @ValueSource(strings = { "sluice.iommu.(**)", "sluice.dmacore.(**)", "sluice.vdev.(**)", "sluice.(*).." })
    void noPackagesKnowEachOtherInACircle(String rooms) {
        ArchRule rule = slices().matching(rooms).should().beFreeOfCycles();
        rule.allowEmptyShould(rooms.contains("iommu")).check(house);
        if (rooms.contains("dmacore.(")) {
            EvaluationResult broken = rule.evaluate(crooked);
            assertThat(broken.getFailureReport().toString()).contains("Cycle detected", "HalfACycle", "OtherHalf");
        }
    }

    private static Set<String> packagesWithChronicle(JavaClasses classes) {
        return classes.stream()
                .filter(type -> type.getDirectDependenciesFromSelf().stream()
                        .anyMatch(to -> to.getTargetClass().getPackageName().startsWith("net.openhft")))
                .map(JavaClass::getPackageName).collect(Collectors.toSet());
    }

    @Test
    void chronicleIsBehindOneDoor() {
        assertThat(packagesWithChronicle(house)).containsExactly("sluice.dmacore.trace.chronicle");
        assertThat(packagesWithChronicle(crooked)).containsExactlyInAnyOrder("sluice.vdev.io", "sluice.dmacore.memory",
                "sluice.dmacore.trace");
    }

    private static Set<String> unmarkedPackages(JavaClasses classes) {
        Set<String> marked = classes.stream()
                .filter(type -> type.getSimpleName().equals("package-info") && type.isAnnotatedWith(NullMarked.class))
                .map(JavaClass::getPackageName).collect(Collectors.toSet());
        return classes.stream().map(JavaClass::getPackageName).filter(name -> !marked.contains(name))
                .collect(Collectors.toSet());
    }

    @Test
    void everyRoomSaysWhatItIsForAndIsNullMarked() {
        assertThat(unmarkedPackages(house)).isEmpty();
        assertThat(unmarkedPackages(crooked)).contains("sluice.vdev.unmarked");
    }

    @Test
    void theWholeHouseIsLookedAt() {
        Set<String> rooms = house.stream().map(JavaClass::getPackageName).collect(Collectors.toSet());
        assertThat(rooms).contains("sluice.iommu", "sluice.dmacore.linux", "sluice.dmacore.memory",
                "sluice.dmacore.fence", "sluice.dmacore.finding.fence", "sluice.dmacore.allocation",
                "sluice.dmacore.buffer", "sluice.dmacore.device", "sluice.dmacore.executor", "sluice.dmacore.exporter",
                "sluice.dmacore.model", "sluice.dmacore.ownership", "sluice.dmacore.trace.recording",
                "sluice.dmacore.trace.jfr",
                "sluice.vdev.io",
                "sluice.vdev.queue", "sluice.vdev.device", "sluice.vdev.pci", "sluice.vdev.vfiouser",
                "sluice.vdev.virtiopci", "sluice.vdev.grabber", "sluice.vdev.tw686x", "sluice.vdev.vfg7350",
                "sluice.vdev.video",
                "sluice.vdev.witness",
                "sluice.dmacore.witness", "sluice.vdev.plugin", "sluice.vdev.host",
                "sluice.vdev.vhostuser",
                "sluice.vdev.console", "sluice.vdev.report",
                "sluice.vdev.display", "sluice.vdev.rfb", "sluice.vdev.gpu", "sluice.vdev.input", "sluice.vdev.feed",
                "sluice.vdev.codec", "sluice.vdev.cli", "sluice.vdev.profile",
                "sluice.guest");
        assertThat(rooms).as("fixtures are no part of what ships").doesNotContain("sluice.vdev.fixture");
        assertThat(house).as("classes").hasSizeGreaterThan(150);
        assertThat(house).extracting(JavaClass::getSimpleName).doesNotContain("HouseTest", "CrookedHouse");
        // The one that may link does link: the rule about it is not idle.
        assertThat(house.get("sluice.dmacore.linux.Libc").getDirectDependenciesFromSelf())
                .anyMatch(to -> to.getTargetClass().getName().equals("java.lang.foreign.Linker"));
    }
}
