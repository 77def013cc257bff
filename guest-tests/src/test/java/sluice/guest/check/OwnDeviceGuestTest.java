package sluice.guest.check;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.TestGpus;
import sluice.guest.TestQemu;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.serve.PluginJar;

import static org.assertj.core.api.Assertions.assertThat;

/** A plug-in's device and a program of the user's, which runs on this host's distribution. */
@Tag("guest")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class OwnDeviceGuestTest {
    private static final CacheFolder CACHE = CacheFolder.ofUser();
    /** Finds the device, needs bash, sees the host's files and writes where that does no harm. */
    private static final String PROGRAM = """
            #!/bin/bash
            echo TAP version 13
            echo 1..3
            grep -lx 0x1234 /sys/bus/pci/devices/*/vendor >/dev/null && echo 'ok 1 the device is there' || exit 1
            [[ $(</etc/hostname) == NAME ]] && echo 'ok 2 the files of the host are there' || exit 2
            echo written >/etc/hostname && [[ $(</etc/hostname) == written ]] && echo 'ok 3 what is written is kept' || exit 3
            """;

    @Test
    void aProgramMeetsItsDeviceOnADistribution(@TempDir Path folder) throws Exception {
        Path jar = PluginJar.build(folder, "One", "one-register");
        Card card = PluginCard.of(jar + ",value=7", "", List.of());
        assertThat(card.device()).isEqualTo("one-register");
        assertThat(card.options()).containsExactly("value=7");
        String before = Files.readString(Path.of("/etc/hostname"));
        Path script = Files.writeString(folder.resolve("meets"), PROGRAM.replace("NAME", before.strip()));
        assertThat(script.toFile().setExecutable(true)).isTrue();
        TestProgram program = TestProgram.of(script);
        Additions additions = new Additions(List.of(), program, GuestRoot.of("host"));
        GuestImage image = CheckMachine.image(card, GuestKernel.named("newest", CACHE), additions, CACHE);
        CheckRun run = new CheckRun(TestGpus.launcher(), TestQemu.QEMU_11.binary(), image, card, CACHE,
                new Judge(KnownFaults.shipped())).with(additions);
        CheckResult result = run.run(Matrix.of(List.of(Matrix.USUAL.get(0), Matrix.USUAL.get(1)), program), _ -> {});
        assertThat(result.cells()).extracting(CellResult::outcome).containsExactly(Outcome.PASS, Outcome.SKIP);
        assertThat(result.cells().getFirst().console()).contains("TAP version 13", "ok 1 the device is there",
                "ok 2 the files of the host are there", "ok 3 what is written is kept");
        assertThat(result.cells().getLast().reason()).contains("driver in user space");
        assertThat(Files.readString(Path.of("/etc/hostname"))).as("the host's file").isEqualTo(before);
    }
}
