package sluice.vdev.witness;

import java.util.List;

import sluice.dmacore.witness.Witness;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;

/** The provider of the witness. */
public final class WitnessProvider implements DeviceProvider {
    @Override
    public String name() {
        return "witness";
    }

    @Override
    public String description() {
        return "Receives the DMA calls of a guest's kernel from a module: makes coherency=non-coherent work for stock drivers.";
    }

    @Override
    public List<DeviceOption> options() {
        return List.of();
    }

    @Override
    public boolean witnesses() {
        return true;
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) {
        Witness witness = environment.witness();
        if (witness == null) throw new IllegalStateException("a process that serves a witness has none");
        WitnessFunction function = new WitnessFunction(witness, environment.share(),
                new TracedMessages(environment.core(), environment.name()));
        function.register(environment.report());
        return new ProvidedDevice.Function(function);
    }
}
