// Identity from the environment: the table of docs/identity.md with its traps.
#include "writer/identity.h"

#include <gtest/gtest.h>

#include "tests/writer/variables.h"

namespace wb {
namespace {

using test::environment_of;
using test::Variables;

struct Case {
  const char* what;
  Variables variables;
  std::optional<std::int64_t> rank;
  std::optional<std::int64_t> world_size;
  std::optional<std::int64_t> local_rank;
  std::optional<std::int64_t> node_rank;
  std::int64_t attempt;
  const char* job;
  const char* launcher;
};

const Variables kSlurmStep = {{"SLURM_JOB_ID", "77"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "5"},
                              {"SLURM_NTASKS", "8"},  {"SLURM_LOCALID", "1"}, {"SLURM_NODEID", "2"}};
const Variables kSlurmBatch = {{"SLURM_JOB_ID", "77"},
                               {"SLURM_PROCID", "0"},
                               {"SLURM_NTASKS", "8"},
                               {"SLURM_LOCALID", "0"},
                               {"SLURM_NODEID", "0"}};
const Variables kTorchrun = {{"RANK", "3"},
                             {"WORLD_SIZE", "4"},
                             {"LOCAL_RANK", "1"},
                             {"GROUP_RANK", "1"},
                             {"TORCHELASTIC_RUN_ID", "job-a"},
                             {"TORCHELASTIC_RESTART_COUNT", "2"},
                             {"TORCHELASTIC_MAX_RESTARTS", "3"}};

Variables join(Variables first, const Variables& second) {
  for (const auto& [name, value] : second) first[name] = value;
  return first;
}

const Case kCases[] = {
    {"nothing", {}, {}, {}, {}, {}, 0, "", ""},
    {"torchrun", kTorchrun, 3, 4, 1, 1, 2, "job-a", "torchrun"},
    {"torchrun in a batch script", join(kSlurmBatch, kTorchrun), 3, 4, 1, 1, 2, "job-a", "torchrun"},
    {"torchrun through srun", join(kSlurmStep, kTorchrun), 3, 4, 1, 1, 2, "job-a", "torchrun"},
    {"torchrun in a requeued job", join(kTorchrun, {{"SLURM_JOB_ID", "77"}, {"SLURM_RESTART_COUNT", "1"}}), 3, 4, 1, 1,
     6, "job-a", "torchrun"},
    {"torchrun's default run id is no job", join(kTorchrun, {{"TORCHELASTIC_RUN_ID", "none"}, {"SLURM_JOB_ID", "77"}}),
     3, 4, 1, 1, 2, "77", "torchrun"},
    {"env:// by hand", {{"RANK", "0"}, {"WORLD_SIZE", "2"}}, 0, 2, {}, {}, 0, "", "env"},
    {"a rank outside of its world", {{"RANK", "2"}, {"WORLD_SIZE", "2"}}, {}, {}, {}, {}, 0, "", ""},
    {"a rank that is no number", {{"RANK", "x"}, {"WORLD_SIZE", "2"}}, {}, {}, {}, {}, 0, "", ""},
    {"a Slurm step", kSlurmStep, 5, 8, 1, 2, 0, "77", "slurm"},
    {"a step that is smaller than its job", join(kSlurmStep, {{"SLURM_STEP_NUM_TASKS", "6"}}), 5, 6, 1, 2, 0, "77",
     "slurm"},
    {"a batch script is no rank", kSlurmBatch, {}, {}, {}, {}, 0, "77", "slurm"},
    {"an interactive allocation", {{"SLURM_JOB_ID", "9"}}, {}, {}, {}, {}, 0, "9", "slurm"},
    {"a requeued job", join(kSlurmStep, {{"SLURM_RESTART_COUNT", "2"}}), 5, 8, 1, 2, 2, "77", "slurm"},
    {"an array task", join(kSlurmStep, {{"SLURM_ARRAY_JOB_ID", "70"}, {"SLURM_ARRAY_TASK_ID", "7"}}), 5, 8, 1, 2, 0,
     "70_7", "slurm"},
    {"srun with PMIx", join(kSlurmStep, {{"PMIX_RANK", "5"}, {"PMIX_NAMESPACE", "n"}}), 5, 8, 1, 2, 0, "77", "slurm"},
    {"mpirun in an allocation: SLURM_PROCID is its daemon's",
     join(kSlurmStep, {{"SLURM_PROCID", "1"},
                       {"SLURM_STEP_NUM_TASKS", "2"},
                       {"OMPI_COMM_WORLD_RANK", "6"},
                       {"OMPI_COMM_WORLD_SIZE", "16"},
                       {"OMPI_COMM_WORLD_LOCAL_RANK", "2"}}),
     6,
     16,
     2,
     {},
     0,
     "77",
     "openmpi"},
    {"Open MPI",
     {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}},
     1,
     2,
     1,
     {},
     0,
     "",
     "openmpi"},
    {"Hydra",
     {{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "0"}, {"PBS_JOBID", "p.1"}},
     1,
     2,
     0,
     {},
     0,
     "p.1",
     "pmi"},
    {"PMIx alone", {{"PMIX_RANK", "4"}, {"PMIX_NAMESPACE", "ns"}}, 4, {}, {}, {}, 0, "ns", "pmix"},
    {"MVAPICH",
     {{"MV2_COMM_WORLD_RANK", "1"}, {"MV2_COMM_WORLD_SIZE", "2"}, {"MV2_COMM_WORLD_LOCAL_RANK", "1"}},
     1,
     2,
     1,
     {},
     0,
     "",
     "mvapich"},
    {"Cray PALS", {{"PALS_RANKID", "3"}, {"PALS_LOCAL_RANKID", "1"}}, 3, {}, 1, {}, 0, "", "pals"},
    {"LSF jsrun",
     {{"JSM_NAMESPACE_RANK", "1"}, {"JSM_NAMESPACE_SIZE", "2"}, {"LSB_JOBID", "5"}},
     1,
     2,
     {},
     {},
     0,
     "5",
     "jsrun"},
    {"Flux", {{"FLUX_TASK_RANK", "1"}, {"FLUX_JOB_SIZE", "2"}}, 1, 2, {}, {}, 0, "", "flux"},
    {"Grid Engine", {{"JOB_ID", "42"}}, {}, {}, {}, {}, 0, "42", ""},
    {"WB_* wins over all",
     join(join(kSlurmStep, kTorchrun), {{"WB_RANK", "9"},
                                        {"WB_WORLD_SIZE", "10"},
                                        {"WB_LOCAL_RANK", "4"},
                                        {"WB_NODE_RANK", "5"},
                                        {"WB_ATTEMPT", "7"},
                                        {"WB_JOB", "mine"}}),
     9, 10, 4, 5, 7, "mine", "torchrun"},
    {"another rank by hand brings no size of the launcher",
     join(kTorchrun, {{"WB_RANK", "9"}}),
     9,
     {},
     {},
     {},
     2,
     "job-a",
     "torchrun"},
    {"the launcher's own rank by hand", join(kTorchrun, {{"WB_RANK", "3"}}), 3, 4, 1, 1, 2, "job-a", "torchrun"},
};

TEST(Identity, IsResolvedAsTheTableSays) {
  int count = 0;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    const Identity identity = resolve_identity({}, environment_of(c.variables));
    EXPECT_EQ(identity.rank, c.rank);
    EXPECT_EQ(identity.world_size, c.world_size);
    EXPECT_EQ(identity.local_rank, c.local_rank);
    EXPECT_EQ(identity.node_rank, c.node_rank);
    EXPECT_EQ(identity.attempt, c.attempt);
    EXPECT_EQ(identity.job, c.job);
    EXPECT_EQ(identity.launcher, c.launcher);
    ++count;
  }
  EXPECT_EQ(count, 28);
}

TEST(Identity, PutsExplicitOptionsFirst) {
  Options options;
  options.rank = 1;
  options.world_size = 2;
  options.attempt = 4;
  const Identity identity = resolve_identity(options, environment_of(join(kTorchrun, {{"WB_RANK", "9"}})));
  EXPECT_EQ(identity.rank, 1);
  EXPECT_EQ(identity.world_size, 2);
  EXPECT_EQ(identity.attempt, 4);
  EXPECT_EQ(identity.local_rank, std::nullopt);
}

}  // namespace
}  // namespace wb
