package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code sluice doctor} on hosts that are made up: what it finds, what it misses, and what it says mends that. */
@Timeout(120)
class DoctorCommandTest {
    private static final String LACKING = "sluice: something required is missing, see above";

    @TempDir
    private Path folder;

    private Path programs;
    private Path cache;

    @BeforeEach
    void aHostThatHasAll() throws IOException {
        programs = Files.createDirectories(folder.resolve("bin"));
        cache = Files.createDirectories(folder.resolve("cache"));
        for (String name : List.of("mvn", "gcc", "busybox")) program(programs.resolve(name), "");
        qemu(programs, "10.0.2", "vhost-user-gpu-pci", "vfio-user-pci");
    }

    private static void program(Path path, String script) throws IOException {
        Files.createDirectories(path.getParent());
        Files.writeString(path, "#!/bin/sh\n" + script);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
    }

    private static void qemu(Path where, String version, String... devices) throws IOException {
        StringBuilder script = new StringBuilder(
                "if [ \"$1\" = --version ]; then echo 'QEMU emulator version " + version + "'; exit; fi\n");
        for (String device : devices) script.append("echo 'name \"").append(device).append("\", bus PCI'\n");
        program(where.resolve(QemuBinary.NAME), script.toString());
    }

    private SluiceProgram doctor(String... options) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("doctor"));
        arguments.addAll(List.of(options));
        return SluiceProgram.startIn(folder,
                Map.of("PATH", programs.toString(), "SLUICE_CACHE", cache.toString(), "HOME", folder.toString()),
                folder.resolve("sluice"), arguments.toArray(String[]::new));
    }

    /** What it says for machines, with this exit status. */
    private List<JsonObject> report(int status) throws IOException {
        try (SluiceProgram program = doctor("--json")) {
            assertThat(program.status()).as("%s%s", program.output(), program.errors()).isEqualTo(status);
            assertThat(program.errors().strip()).isEqualTo(status == 0 ? "" : LACKING);
            JsonArray all = JsonParser.parseString(program.output()).getAsJsonArray();
            return all.asList().stream().map(JsonElement::getAsJsonObject).toList();
        }
    }

    private static JsonObject about(List<JsonObject> report, String what) {
        List<JsonObject> found = report.stream().filter(one -> one.get("what").getAsString().equals(what)).toList();
        assertThat(found).as("what is said of %s", what).hasSize(1);
        return found.getFirst();
    }

    private static boolean is(JsonObject finding, String name) {
        return finding.get(name).getAsBoolean();
    }

    private static String text(JsonObject finding, String name) {
        return finding.get(name).getAsString();
    }

    @Test
    void aHostThatHasWhatIsNeededIsWell() throws Exception {
        List<JsonObject> report = report(0);
        for (JsonObject finding : report) {
            assertThat(is(finding, "present") || !is(finding, "needed")).as("%s", finding).isTrue();
            assertThat(text(finding, "mend").isEmpty()).as("what is there needs no mending: %s", finding)
                    .isEqualTo(is(finding, "present"));
            assertThat(text(finding, "found")).isNotEmpty();
        }
        JsonObject qemu = about(report, "QEMU 10.0.2");
        assertThat(is(qemu, "needed")).as("the QEMU that commands take").isTrue();
        assertThat(text(qemu, "path")).isEqualTo(programs.resolve(QemuBinary.NAME).toString());
        assertThat(text(qemu, "version")).isEqualTo("10.0.2");
        assertThat(qemu.getAsJsonArray("devices").asList().stream().map(JsonElement::getAsString))
                .containsExactly("vhost-user-gpu-pci", "vfio-user-pci");
        assertThat(text(about(report, "C compiler"), "found")).isEqualTo(programs.resolve("gcc").toString());
        assertThat(is(about(report, "other QEMUs"), "needed")).isFalse();
        assertThat(report.stream().map(one -> text(one, "what"))).contains("JDK 25", "KVM", "udmabuf",
                "memory mappings", "C peer vhost-user-gpu", "Weston for guests");
    }

    @ParameterizedTest
    @ValueSource(strings = { "mvn/Maven/apt-get install maven", "gcc/C compiler/guest-tests/host/packages.sh",
            "busybox/busybox/guest-tests/host/packages.sh" })
    void aProgramThatIsMissingFailsWithWhatGivesIt(String line) throws Exception {
        String[] parts = line.split("/", 3);
        Files.delete(programs.resolve(parts[0]));
        JsonObject finding = about(report(1), parts[1]);
        assertThat(is(finding, "present")).isFalse();
        assertThat(is(finding, "needed")).isTrue();
        assertThat(text(finding, "found")).isEqualTo("not in PATH");
        assertThat(text(finding, "mend")).isEqualTo(parts[2]);
    }

    /** A file that is not executable is not a program. */
    @Test
    void forPeopleEachIsALineAndWhatIsNeededStandsOut() throws Exception {
        Files.setPosixFilePermissions(programs.resolve("gcc"), PosixFilePermissions.fromString("rw-------"));
        try (SluiceProgram program = doctor()) {
            assertThat(program.status()).isEqualTo(1);
            assertThat(program.errors().lines()).containsExactly(LACKING);
            assertThat(program.output().lines())
                    .contains("MISSING C compiler             not in PATH -> guest-tests/host/packages.sh",
                            "ok      Maven                  " + programs.resolve("mvn"))
                    .anyMatch(line -> line.startsWith("absent  other QEMUs            none under " + cache))
                    .allMatch(line -> line.matches("(ok {5}|MISSING|absent ) .+"));
        }
    }

    @Test
    void theHeadersOfEachKernelAreLookedFor() throws Exception {
        assertThat(report(0).stream().map(one -> text(one, "what"))).noneMatch(what -> what.contains("headers"));
        Files.createDirectories(cache.resolve("kernel"));
        for (String link : List.of("current", "newest"))
            Files.createSymbolicLink(cache.resolve("kernel").resolve(link), Path.of("release-of-" + link));
        Path build = Files.createDirectories(cache.resolve("headers/release-of-current/build"));
        Files.createFile(build.resolve("Makefile"));
        List<JsonObject> report = report(0);
        assertThat(text(about(report, "kernel headers, current"), "found")).isEqualTo(build.toString());
        JsonObject newest = about(report, "kernel headers, newest");
        assertThat(is(newest, "present") || is(newest, "needed")).isFalse();
        assertThat(text(newest, "mend")).endsWith("guest-tests/host/packages.sh modules");
        assertThat(text(about(report, "make"), "mend")).endsWith("guest-tests/host/packages.sh modules");
    }

    @Test
    void withoutAQemuItFails() throws Exception {
        Files.delete(programs.resolve(QemuBinary.NAME));
        JsonObject finding = about(report(1), "QEMU");
        assertThat(is(finding, "needed")).isTrue();
        assertThat(text(finding, "found")).startsWith("qemu-system-x86_64 is not in PATH");
        assertThat(text(finding, "mend")).isEqualTo("guest-tests/host/packages.sh");
    }

    @Test
    void aQemuThatCannotHaveTheGpuFailsOnlyIfItIsTheOneThatCommandsTake() throws Exception {
        qemu(cache.resolve("qemu/bookworm"), "9.2.1");
        List<JsonObject> report = report(0);
        JsonObject other = about(report, "QEMU 9.2.1");
        assertThat(is(other, "present")).isFalse();
        assertThat(is(other, "needed")).as("another than commands take").isFalse();
        assertThat(report.stream().map(one -> text(one, "what"))).doesNotContain("other QEMUs");

        qemu(programs, "10.0.3", "vfio-user-pci");
        JsonObject chosen = about(report(1), "QEMU 10.0.3");
        assertThat(is(chosen, "present")).isFalse();
        assertThat(is(chosen, "needed")).isTrue();
        assertThat(text(chosen, "found")).contains("lacks vhost-user-gpu-pci");
        assertThat(text(chosen, "mend")).contains("qemu-system-modules-opengl");
    }

    @Test
    void aBrokenQemuIsNamedAndNotNeeded() throws Exception {
        program(cache.resolve("qemu/trixie").resolve(QemuBinary.NAME), "echo nonsense\n");
        JsonObject finding = about(report(0), "QEMU");
        assertThat(is(finding, "needed")).isFalse();
        assertThat(text(finding, "found")).contains("does not look like QEMU");
        assertThat(text(finding, "mend")).isEqualTo("delete it, or install it again");
    }
}
