package sluice.guest.check;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;

import sluice.guest.GuestIommu;
import sluice.guest.QemuBus;
import sluice.vdev.qemu.HostCommand;
import sluice.vdev.qemu.QemuHint;

import static org.assertj.core.api.Assertions.assertThat;

/** The line for virtme-ng, read as a shell and then vng's own shell read it. */
class VngLineTest {
    /** In the place of vng: prints each argument, and each word that QEMU would get. */
    private static final String SHELLS = """
            vng() {
                for argument; do
                    case $argument in
                    --qemu-opts=*) eval "printf 'qemu %s\\n' ${argument#--qemu-opts=}" ;;
                    *) printf 'vng %s\\n' "$argument" ;;
                    esac
                done
            }
            """;

    @Test
    void qemuGetsTheDevicesAsTheyAreServed() throws Exception {
        StringWriter out = new StringWriter();
        Setup setup = new Setup(GuestIommu.INTEL_LAZY, true, false);
        VngLine.print(new PrintWriter(out), Card.ALL.getFirst(), setup, Path.of("/home/me/my linux"),
                Path.of("/opt/qemu"));
        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSize(4);
        assertThat(lines.get(1)).contains("./sluice serve --device=witness,socket-path=",
                "--device=vfg7350,socket-path=",
                "coherency=non-coherent");
        List<String> words = HostCommand.text(List.of("bash", "-c", SHELLS + lines.get(3))).lines().toList();
        assertThat(words).containsSequence("vng --run", "vng /home/me/my linux", "vng --disable-microvm")
                .contains("vng intel_iommu=on swiotlb=force", "qemu q35", "qemu " + setup.iommu().device());
        Path folder = Path.of(System.getProperty("java.io.tmpdir"), "sluice-vng");
        QemuBus bus = setup.iommu().untranslated();
        assertThat(bus.devices()).hasSize(2).last().asString().contains("\"id\":\"" + bus.id() + "\"");
        assertThat(words).endsWith("qemu -device", "qemu " + QemuHint.function(folder.resolve("card")), "qemu -device",
                "qemu " + bus.devices().getFirst(), "qemu -device", "qemu " + bus.devices().getLast(), "qemu -device",
                "qemu " + QemuHint.function(folder.resolve("witness"), bus.id()));
        for (String name : List.of("witness", "card"))
            assertThat(lines.get(1)).contains("socket-path=" + folder.resolve(name));
    }
}
