package sluice.guest.check;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

import sluice.guest.GuestIommu;

import static org.assertj.core.api.Assertions.assertThat;

/** The command's options, without a machine. */
class CheckCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter errors = new StringWriter();

    private int run(String... arguments) {
        CommandLine line = Check.line();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(errors, true));
        return line.execute(arguments);
    }

    @Test
    void listNamesAllThereIs() {
        assertThat(run("--list")).isZero();
        for (Card card : Card.ALL) assertThat(out.toString()).contains(card.driver(), card.device());
        for (Memory memory : Memory.values())
            assertThat(out.toString()).contains(memory.label(), memory.needs());
        for (Use use : Use.values()) assertThat(out.toString()).contains(use.label());
        for (GuestIommu iommu : GuestIommu.values()) assertThat(out.toString()).contains(iommu.label());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "--import=mmap | --driver is missing: give one of saa7134_empress, dt3155, tw686x, tw686x:contig, tw686x:memcpy, virtio_gpu",
            "--driver=nvme | --driver=nvme: no emulated card has this driver; give one of saa7134_empress, dt3155, tw686x, tw686x:contig, tw686x:memcpy, virtio_gpu",
            "--driver=saa7134-empress,--import=floppy | --import=floppy: give mmap, expbuf, userptr, udmabuf, udmabuf-huge, udmabuf-twice, dumb, blob, vgem, heap, vivid, bar",
            "--driver=saa7134_empress,--profile | --profile needs a folder, or --report=DIR",
            "--driver=saa7134_empress,--use=never | --use=never: give sync, no-sync, wrong-sync, closed, munmap, fork, killed, short, requeued, freed",
            "--driver=saa7134_empress,--iommu=amd | --iommu=amd: give none, intel-lazy, intel-strict, virtio",
            "--driver=saa7134_empress,--bounce=on | --bounce=on: give off or force",
            "--driver=saa7134_empress,--coherency=arm | --coherency=arm: give coherent or non-coherent",
            "--driver=saa7134_empress,--kdir=/no/tree | --kdir=/no/tree: no such folder",
            "--driver=saa7134_empress,--format=xml | --format=xml: give ktap, junit or json",
            "--driver=saa7134_empress,--timeout=0 | --timeout=0: give 1 to 86400 seconds",
            "--driver=saa7134_empress,--print=lilo | --print=lilo: give config or vng",
            "--driver=saa7134_empress,--root=host | --root needs --test: our own programs bring what they need",
            "--device=x.jar | --device needs --test: only its own program knows what is right",
            "--driver=saa7134_empress,--against=current,--format=json | --against prints ktap, not json",
            "--driver=saa7134_empress,--card-option=fd=3 | --card-option=fd=3: give one of dma-mask, max-segment-size, max-segments, boundary, contiguous, on-fault, inject",
            "--driver=saa7134_empress,--card-option=max-segments=0 | --card-option: max-segments=0: give a number from 1 to 2147483647",
            "--driver=saa7134_empress,--card-option=dma-mask=8 | --card-option: dma-mask=8: give the number of address bits, 12 to 64, or a mask of the form 2^n-1, from 0xfff to 0xffffffffffffffff",
            "--driver=saa7134_empress,--card-option=on-fault=zero | --card-option: on-fault: a PCI function supports only abort: an access that the front-end has not mapped always fails",
            "--driver=saa7134_empress,--card-option=inject=nothing | --card-option: --inject=nothing: unknown fault; give one of deny, delay, poison, revoke, fail-map, fail-unmap, lost-interrupt, late-interrupt, short-write, overrun, drop-invalidation, stray-read",
            "--driver=saa7134_empress,--card-option=inject=stray-read;address=1 | --card-option: inject=stray-read: not supported by this device; use deny or poison instead",
            "--driver=saa7134_empress,--witness=none | --witness=none: give module, trace",
            "--driver=saa7134_empress,--witness=trace,--coherency=non-coherent | --coherency=non-coherent needs --witness=module: a card that does not snoop needs each call of the kernel before the kernel continues, and tracing tells it later",
            "--driver=saa7134_empress,--witness=trace,--print=vng | --print=vng needs --witness=module: virtme-ng boots a system of its own",
            "--drivers=x | Unknown option: '--drivers=x'" })
    void wrongUsageIsOneSentence(String arguments, String sentence) {
        assertThat(run(Arrays.stream(arguments.split(",")).map(word -> word.replace(';', ',')).toArray(String[]::new)))
                .isEqualTo(2);
        assertThat(errors.toString().strip()).isEqualTo("sluice: " + sentence + " (see ./sluice check --help)");
        assertThat(out.toString()).isEmpty();
    }
}
