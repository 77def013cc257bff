package sluice.guest.demo;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

import sluice.guest.GpuProvider;
import sluice.guest.Picture;
import sluice.guest.TestGpus;
import sluice.guest.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;

/** The demo as its user sees it: exit codes, sentences, files. */
@Isolated("it replaces the standard streams")
class DemoTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final PrintStream realOut = System.out;
    private final PrintStream realErr = System.err;

    @TempDir
    private Path folder;

    @BeforeEach
    void listen() {
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void restore() {
        System.setOut(realOut);
        System.setErr(realErr);
        System.clearProperty("sluice.launcher");
    }

    private String errors() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void modesThatAreNotBuiltAreRefusedWithOneSentence() {
        assertThat(Demo.run("--mode=blob")).isEqualTo(2);
        assertThat(errors())
                .isEqualTo("sluice: --mode=blob is not built yet, only --mode=2d is (see ./sluice demo --help)"
                        + System.lineSeparator());
    }

    @Test
    void unknownOptionsAndModesAreWrongUsage() {
        assertThat(Demo.run("--mode=3d")).isEqualTo(2);
        assertThat(Demo.run("--frames=0")).isEqualTo(2);
        assertThat(Demo.run("--nonsense")).isEqualTo(2);
        assertThat(errors().lines()).hasSize(3).allMatch(line -> line.startsWith("sluice: "));
    }

    @Test
    void aMissingQemuIsOneSentence() {
        assertThat(Demo.run("--qemu=/nowhere/qemu", "--out=" + folder)).isEqualTo(1);
        assertThat(errors()).startsWith("sluice: /nowhere/qemu is not an executable file");
    }

    /** Our GPU, started through a launcher as the real one is: the shortest whole demo. */
    @Tag("guest")
    @Test
    void theWholeDemoOnOurGpu() throws IOException {
        System.setProperty("sluice.launcher", launcher().toString());
        assertThat(Demo.run("--out=" + folder, "--json", "--frames=20")).as(errors()).isZero();

        JsonObject report = JsonParser.parseString(out.toString(StandardCharsets.UTF_8)).getAsJsonObject();
        assertThat(report).isEqualTo(JsonParser.parseString(Files.readString(folder.resolve("report.json"))));
        assertThat(report.get("ok").getAsBoolean()).isTrue();
        assertThat(report.get("frames").getAsInt()).isEqualTo(21);
        assertThat(report.getAsJsonArray("pictures").asList()).extracting(DemoTest::file).containsExactly(
                "qemu-screen.png",
                "screen.png");
        // Each frame is transferred before it is shown, whole: nothing less, whatever the kernel's own console adds.
        JsonObject gpu = report.getAsJsonObject("gpu");
        assertThat(gpu.getAsJsonObject("commands").get("RESOURCE_FLUSH").getAsInt()).isGreaterThanOrEqualTo(21);
        assertThat(gpu.getAsJsonObject("copiedBytes").get("transfer").getAsLong())
                .isGreaterThanOrEqualTo(21L * 1280 * 800 * 4);
        Picture expected = TestPattern.picture(1280, 800, 20);
        assertThat(expected.difference(Picture.read(folder.resolve("screen.png")))).isEmpty();
        assertThat(expected.difference(Picture.read(folder.resolve("qemu-screen.png")))).isEmpty();
    }

    @Tag("guest")
    @Test
    void aGpuThatDoesNotStartIsNamedWithWhatItSaid() throws IOException {
        Path broken = script("#!/bin/sh\necho no luck today >&2\nexit 7\n");
        System.setProperty("sluice.launcher", broken.toString());
        assertThat(Demo.run("--out=" + folder)).isEqualTo(1);
        assertThat(errors()).startsWith("sluice: the GPU process ended").contains("no luck today");
    }

    private static String file(JsonElement picture) {
        return picture.getAsJsonObject().get("file").getAsString();
    }

    private Path launcher() throws IOException {
        List<String> command = ((GpuProvider.Command) TestGpus.sluice()).command();
        assertThat(command.getLast()).as("what the demo itself says").isEqualTo("gpu");
        StringBuilder text = new StringBuilder("#!/bin/sh\nexec");
        for (String word : command.subList(0, command.size() - 1)) text.append(" '").append(word).append('\'');
        return script(text + " \"$@\"\n");
    }

    private Path script(String text) throws IOException {
        Path file = Files.createTempFile(folder, "launcher-", ".sh",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        return Files.writeString(file, text);
    }
}
