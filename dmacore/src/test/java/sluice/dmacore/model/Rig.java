package sluice.dmacore.model;

import java.io.IOException;

import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Flavour;

/** A machine with two devices that do not snoop and one that does, for many programs one after the other. */
record Rig(Machine machine, FileMapping ram, DeviceFunction[] functions, DeviceView[] views)
        implements
            AutoCloseable {

    static Rig of(Flavour flavour, Eviction eviction) throws IOException {
        Machine machine = Machine.modelledWith(DmaCoreOptions.counting().withFlavour(flavour), eviction);
        DeviceFunction[] functions = { machine.device("a"), machine.device("b"), machine.device("snooper") };
        DeviceView[] views = new DeviceView[functions.length];
        for (int i = 0; i < views.length; i++) views[i] = machine.view(functions[i]);
        return new Rig(machine, machine.file(Stage.PAGES), functions, views);
    }

    @Override
    public void close() throws IOException {
        machine.close();
    }
}
