package sluice.guest.bench;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.vdev.cli.Main;

/** {@code sluice bench}: the benchmarks of whole processes; the launcher starts those of JMH. */
@Command(name = "bench", mixinStandardHelpOptions = true, subcommands = { PeersBench.class, PairsBench.class,
        GuestBench.class,
        WatchBench.class,
        SoakBench.class }, description = "Benchmarks.", footer = {
                "  codec    Decoding through the codec device, beside libavcodec alone.",
                "  iommu    Address spaces: translating, mapping and copying, beside their bars.",
                "  dmacore  Dma-bufs: transfers, flushes and attaching, beside their bars.",
                "  jmh      The device's inner loops in one thread; fails if they make garbage." })
public final class Bench implements Runnable {
    @Spec
    private @Nullable CommandSpec spec;

    public static void main(String[] arguments) {
        System.exit(Main.run(new CommandLine(new Bench()), arguments));
    }

    @Override
    public void run() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        throw new ParameterException(present.commandLine(),
                "say which: bench peers, bench pairs, bench guest, bench watch, bench soak, bench codec, bench iommu, bench dmacore or bench jmh");
    }
}
