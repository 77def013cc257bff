package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.Configurations;
import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.TestGpus;
import sluice.guest.TestQemu;
import sluice.guest.build.KernelModule;
import sluice.vdev.qemu.CacheFolder;

import static org.assertj.core.api.Assertions.assertThat;

/** A guest that does not do what it should costs a sentence, not a hang. */
@Tag("guest")
@Tag("matrix")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class BadGuestTest {
    private static final CacheFolder CACHE = CacheFolder.ofUser();
    private static final Card CARD = Card.ALL.getFirst();
    /** No card of ours for the driver: it has other registers, and another name on the bus. */
    private static final Card FOREIGN = new Card(CARD.driver(), "grabber", List.of(), CARD.modules(), "", true);

    /** What a guest may do. */
    enum Trouble {
        PANICS("echo c >/proc/sysrq-trigger", 255,
                "the guest's kernel says: Kernel panic - not syncing: sysrq triggered crash"),
        DOES_NOT_BIND("", 1, "the driver saa7134_empress does not bind: the function 8086 0x1223 has no driver"),
        HANGS("read -r line </dev/ttyS1 || sleep 1000", 1, "it did not end within 20 s"),
        /** Its shell gives up when it finds the limit. */
        FORKS("echo 1..1; f() { f | f & f; }; f", 1, "trouble ended with status 2"),
        DOES_NOT_LOAD("", 1,
                "the module refusing does not load: insmod: can't insert '/modules/refusing.ko': Invalid argument");

        private final String script;
        private final int status;
        private final String reason;

        Trouble(String script, int status, String reason) {
            this.script = script;
            this.status = status;
            this.reason = reason;
        }
    }

    static List<Trouble> troubles() {
        return Configurations.of(List.of(Trouble.PANICS, Trouble.DOES_NOT_BIND),
                List.of(Trouble.HANGS, Trouble.FORKS, Trouble.DOES_NOT_LOAD));
    }

    @TempDir
    private Path folder;

    /** A module that says no when it is loaded. */
    private Path refusing(GuestKernel kernel) throws IOException, InterruptedException {
        Path sources = Files.createDirectories(folder.resolve("refusing"));
        Files.writeString(sources.resolve("Kbuild"), "obj-m := refusing.o\n");
        Files.writeString(sources.resolve("refusing.c"), """
                #include <linux/module.h>
                static int __init refuse(void) { return -EINVAL; }
                module_init(refuse);
                MODULE_DESCRIPTION("Refuses");
                MODULE_LICENSE("GPL");
                """);
        Path built = KernelModule.build(kernel.headers(CACHE), "refusing", sources, CACHE).file();
        return Files.copy(built, folder.resolve("refusing.ko"));
    }

    @ParameterizedTest
    @MethodSource("troubles")
    void troubleIsASentence(Trouble trouble) throws Exception {
        GuestKernel kernel = GuestKernel.named("current", CACHE);
        Path script = Files.writeString(folder.resolve("trouble"), "#!/bin/sh\n" + trouble.script + "\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        TestProgram program = TestProgram.of(script);
        Card card = trouble == Trouble.DOES_NOT_BIND ? FOREIGN : CARD;
        Additions additions = new Additions(trouble == Trouble.DOES_NOT_LOAD ? List.of(refusing(kernel)) : List.of(),
                program,
                null);
        GuestImage image = CheckMachine.image(card, kernel, additions, CACHE);
        CheckRun run = new CheckRun(TestGpus.launcher(), TestQemu.QEMU_11.binary(), image, card, CACHE,
                new Judge(KnownFaults.shipped())).with(additions).cellLimit(Duration.ofSeconds(20));
        CheckResult result = run.run(Matrix.of(List.of(Matrix.USUAL.getFirst()), program), _ -> {});
        assertThat(result.cells()).hasSize(1);
        CellResult cell = result.cells().getFirst();
        assertThat(cell.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(cell.reason()).isEqualTo(trouble.reason);
        assertThat(result.exitStatus()).isEqualTo(trouble.status);
        if (trouble == Trouble.PANICS)
            assertThat(cell.console()).as("what the kernel said").anyMatch(line -> line.contains("Call Trace"));
    }
}
