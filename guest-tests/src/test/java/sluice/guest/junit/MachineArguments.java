package sluice.guest.junit;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.AnnotationBasedArgumentsProvider;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.support.ParameterDeclarations;

import sluice.guest.GuestIommu;

/** The machines of a {@link SluiceMachine}. JUnit closes each after the tests of its invocation, since they are {@link AutoCloseable}. */
final class MachineArguments extends AnnotationBasedArgumentsProvider<SluiceMachine> {
    @Override
    protected Stream<? extends Arguments> provideArguments(ParameterDeclarations parameters, ExtensionContext context,
            SluiceMachine annotation) {
        List<Arguments> machines = new ArrayList<>();
        for (String kernel : annotation.kernels()) {
            for (String qemu : annotation.qemus()) {
                for (GuestIommu iommu : annotation.iommus())
                    machines.add(Arguments.of(new GuestMachine(annotation, kernel, qemu, iommu)));
            }
        }
        return machines.stream();
    }
}
