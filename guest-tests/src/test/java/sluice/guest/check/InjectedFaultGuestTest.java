package sluice.guest.check;

import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.Configurations;
import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.TestGpus;
import sluice.guest.TestQemu;
import sluice.vdev.qemu.CacheFolder;

import static org.assertj.core.api.Assertions.assertThat;

/** A fault that was injected into a card is named as the cause of what fails by it; the cell after it is right again. */
@Tag("guest")
@Tag("matrix")
class InjectedFaultGuestTest {
    private static final CacheFolder CACHE = CacheFolder.ofUser();

    static List<String> kernels() {
        return Configurations.of(List.of(), List.of("newest"));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("kernels")
    void aLostInterruptExplainsALostBuffer(String kernel) throws Exception {
        Card card = Card.ALL.getFirst().with(List.of("inject=lost-interrupt,from=5,count=1"));
        GuestImage image = CheckMachine.image(card, GuestKernel.named(kernel, CACHE), CACHE);
        CheckResult result = new CheckRun(TestGpus.launcher(), TestQemu.QEMU_11.binary(), image, card, CACHE,
                new Judge(KnownFaults.shipped().of(card)))
                .run(Matrix.of(List.of(Matrix.PLAIN), List.of(Memory.MMAP), List.of(Use.SYNC, Use.KILLED)), _ -> {});
        assertThat(result.cells()).hasSize(2);
        assertThat(result.cells().getFirst().reason()).startsWith(
                "injected: inject=lost-interrupt,from=5,count=1 has happened, at interrupt 5, which explains that ");
        assertThat(result.cells().getLast().outcome()).as(result.cells().getLast().reason()).isEqualTo(Outcome.PASS);
    }
}
