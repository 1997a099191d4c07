// SPDX-License-Identifier: BSD-2-Clause
//
// What the kernel says of an interface, and what can be changed: in a network namespace of this process. As
// root.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sched.h>

#include "common/ethtool/ethtool.hpp"
#include "common/ethtool/vlan_tags.hpp"

using namespace aya;

namespace
{

class VlanOffload : public ::testing::Test
{
protected:
    static void SetUpTestSuite()
    {
        has_namespace_ = ::unshare(CLONE_NEWNET) == 0 && run("ip link add near type veth peer name far");
    }
    void SetUp() override
    {
        if (!has_namespace_)
            GTEST_SKIP() << "needs root and ip for a network namespace";
    }

    static bool run(const std::string &command) { return std::system(command.c_str()) == 0; }
    static bool is_active(const std::string &interface, const std::string &name)
    {
        const auto features = ethtool::features(interface);
        const auto found = std::find_if(features.begin(), features.end(),
                                        [&](const auto &feature) { return feature.name == name; });
        EXPECT_NE(found, features.end()) << name;
        return found != features.end() && found->active;
    }

private:
    static inline bool has_namespace_ = false;
};

TEST_F(VlanOffload, is_read_as_ethtool_names_it)
{
    EXPECT_EQ(ethtool::driver("near"), "veth");
    EXPECT_TRUE(is_active("near", "rx-vlan-hw-parse"));
    EXPECT_TRUE(ethtool::features("nosuch0").empty());
    EXPECT_EQ(ethtool::driver("nosuch0"), "");
}

TEST_F(VlanOffload, is_switched_off_and_on)
{
    ASSERT_TRUE(ethtool::set_feature("near", "rx-vlan-hw-parse", false));
    EXPECT_FALSE(is_active("near", "rx-vlan-hw-parse"));
    EXPECT_TRUE(is_active("near", "rx-vlan-stag-hw-parse")) << "no other than the one asked for";
    restore_vlan_offload("near", 1);
    EXPECT_TRUE(is_active("near", "rx-vlan-hw-parse"));
    EXPECT_FALSE(ethtool::set_feature("lo", "rx-vlan-hw-parse", true)) << "a driver that cannot";
    EXPECT_FALSE(ethtool::set_feature("near", "no-such-feature", true));
}

TEST_F(VlanOffload, of_a_veth_is_a_matter_of_its_peer)
{
    const VlanTags tags = keep_vlan_tags("near");
    EXPECT_EQ(tags.turned_off, 0u);
    EXPECT_NE(tags.warning.find("ethtool -K far txvlan off"), std::string::npos) << tags.warning;
    ASSERT_TRUE(run("ethtool -K far txvlan off tx-vlan-stag-hw-insert off"));
    EXPECT_EQ(keep_vlan_tags("near").warning, "");
}

TEST_F(VlanOffload, of_a_veth_whose_peer_cannot_be_seen_is_noted)
{
    ASSERT_TRUE(run("ip netns add aya-vlan-far && ip link set far netns aya-vlan-far"));
    const VlanTags tags = keep_vlan_tags("near");
    run("ip netns delete aya-vlan-far");
    EXPECT_EQ(tags.warning, "");
    EXPECT_NE(tags.note.find("ethtool -K PEER txvlan off"), std::string::npos) << tags.note;
}

TEST_F(VlanOffload, that_an_interface_does_not_have_is_no_matter)
{
    const VlanTags tags = keep_vlan_tags("lo");
    EXPECT_EQ(tags.turned_off, 0u);
    EXPECT_EQ(tags.note + tags.warning, "");
}

} // namespace
