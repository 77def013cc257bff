package sluice.guest.demo;

import java.nio.file.Path;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

import static org.assertj.core.api.Assertions.assertThat;

/** The demo as its user sees it: exit codes, sentences, files. */
@Isolated("it replaces the standard streams")
class DemoTest {
    private final CapturedStreams streams = new CapturedStreams();

    @TempDir
    private Path folder;

    @AfterEach
    void restore() {
        streams.close();
    }

    @Test
    void whatAModeDoesNotTakeIsWrongUsage() {
        assertThat(Demo.run("--mode=video", "--gpu-command=gpu")).isEqualTo(2);
        assertThat(Demo.run("--mode=video", "--frames=1001")).isEqualTo(2);
        assertThat(streams.errors().lines()).containsExactly(
                "sluice: --mode=video: only with our own GPU (see ./sluice demo --help)",
                "sluice: --frames=1001: a clip has 1 to 1000 (see ./sluice demo --help)");
    }

    @Test
    void unknownOptionsAndModesAreWrongUsage() {
        assertThat(Demo.run("--mode=3d")).isEqualTo(2);
        assertThat(Demo.run("--frames=0")).isEqualTo(2);
        assertThat(Demo.run("--nonsense")).isEqualTo(2);
        assertThat(Demo.run("--profile", "--gpu-command=other")).isEqualTo(2);
        assertThat(streams.errors().lines()).hasSize(4).allMatch(line -> line.startsWith("sluice: "))
                .first().asString().contains("--mode=3d: give 2d, blob or video");
    }

    @Test
    void aMissingQemuIsOneSentence() {
        assertThat(Demo.run("--qemu=/nowhere/qemu", "--out=" + folder)).isEqualTo(1);
        assertThat(streams.errors()).startsWith("sluice: /nowhere/qemu is not an executable file");
    }
}
