package sluice.guest.bench;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

import sluice.guest.Configurations;
import sluice.guest.TestGpus;
import sluice.guest.TestQemu;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code sluice bench guest}, as short as it can be: it works, and its report has its shape. Its figures are those of the benchmark. */
@Tag("guest")
@Tag("matrix")
@Timeout(value = 8, unit = TimeUnit.MINUTES) // four machines boot, on a machine that has other things to do
class GuestBenchGuestTest {
    private static final String LAUNCHER = "sluice.launcher";

    @TempDir
    private Path folder;

    static List<TestQemu> configurations() {
        return Configurations.of(List.of(), List.of(TestQemu.QEMU_11));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("configurations")
    void eachGpuHasARateAndARatioToQemusOwn(TestQemu qemu) throws Exception {
        Path launcher = Files.createFile(folder.resolve("sluice"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Files.writeString(launcher, TestGpus.launcher().stream().map(word -> "'" + word + "'")
                .collect(Collectors.joining(" ", "#!/bin/sh\nexec ", " \"$@\"\n")));
        Path json = folder.resolve("guest.json");
        StringWriter text = new StringWriter();
        StringWriter errors = new StringWriter();
        String before = System.getProperty(LAUNCHER);
        System.setProperty(LAUNCHER, launcher.toString());
        int status;
        try {
            status = new CommandLine(new Bench()).setOut(new PrintWriter(text)).setErr(new PrintWriter(errors))
                    .execute("guest", "--rounds=1", "--frames=10", "--json=" + json,
                            "--qemu=" + qemu.binary().path());
        } finally {
            if (before == null) System.clearProperty(LAUNCHER);
            else System.setProperty(LAUNCHER, before);
        }
        assertThat(status).as("%s%s", text, errors).isZero();
        JsonObject report = JsonParser.parseString(Files.readString(json)).getAsJsonObject();
        assertThat(report.get("screen").getAsString()).matches("\\d+×\\d+");
        List<JsonElement> rows = report.getAsJsonArray("rows").asList();
        assertThat(rows.stream().map(row -> row.getAsJsonObject().get("gpu").getAsString())).contains("QEMU's own, 2D",
                "ours, vhost-user, 2D", "ours, vfio-user, 2D", "ours, vfio-user, blobs");
        assertThat(rows).allSatisfy(row -> {
            assertThat(median(row, "flipsPerSecond")).isPositive();
            assertThat(median(row, "ratio")).isPositive();
        });
        assertThat(text.toString()).contains("page flips a second", "QEMU's own, 2D", "ours, vfio-user, blobs");
    }

    private static double median(JsonElement row, String of) {
        return row.getAsJsonObject().getAsJsonObject(of).get("median").getAsDouble();
    }
}
