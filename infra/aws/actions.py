"""The IAM actions that the scripts need of their caller, as AWS's service authorization reference names them."""

# What the scripts call, by the resource it is called on; a test holds this against the calls that are made.
LOOKS = (
    "ec2:DescribeRegions",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "iam:GetPolicy",
    "redshift:DescribeClusterParameterGroups",
    "redshift:DescribeClusterSnapshots",
    "redshift:DescribeClusterSubnetGroups",
    "redshift:DescribeClusters",
    "redshift:DescribeScheduledActions",
    "redshift-serverless:GetNamespace",
    "redshift-serverless:GetWorkgroup",
    "redshift-serverless:ListNamespaces",
    "redshift-serverless:ListSnapshots",
    "redshift-serverless:ListTagsForResource",
    "redshift-serverless:ListWorkgroups",
    "sts:GetCallerIdentity",
)
ROLE = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PutRolePolicy",
)
# These of them have conditions of their own.
BOUNDED = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy")
GROUP = (
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateSecurityGroup",
    "ec2:DeleteSecurityGroup",
    "ec2:RevokeSecurityGroupIngress",
)
CLUSTER = (
    "redshift:CreateCluster",
    "redshift:CreateClusterParameterGroup",
    "redshift:CreateClusterSubnetGroup",
    "redshift:CreateScheduledAction",
    "redshift:DeleteCluster",
    "redshift:DeleteClusterParameterGroup",
    "redshift:DeleteClusterSubnetGroup",
    "redshift:DeleteScheduledAction",
    "redshift:DescribeClusterParameters",
    "redshift:DescribeNodeConfigurationOptions",
    "redshift:DescribeOrderableClusterOptions",
    "redshift:GetClusterCredentials",
    "redshift:ModifyCluster",
    "redshift:ModifyClusterIamRoles",
    "redshift:ModifyClusterParameterGroup",
    "redshift:ModifyClusterSubnetGroup",
    "redshift:ModifyScheduledAction",
    "redshift:PauseCluster",
    "redshift:ResizeCluster",
    "redshift:RestoreFromClusterSnapshot",
    "redshift:ResumeCluster",
)
SERVERLESS = (
    "redshift-serverless:CreateNamespace",
    "redshift-serverless:CreateUsageLimit",
    "redshift-serverless:CreateWorkgroup",
    "redshift-serverless:DeleteNamespace",
    "redshift-serverless:DeleteUsageLimit",
    "redshift-serverless:DeleteWorkgroup",
    "redshift-serverless:GetCredentials",
    "redshift-serverless:GetSnapshot",
    "redshift-serverless:ListUsageLimits",
    "redshift-serverless:RestoreFromSnapshot",
    "redshift-serverless:UpdateNamespace",
    "redshift-serverless:UpdateUsageLimit",
    "redshift-serverless:UpdateWorkgroup",
)
# These of them take no resource, or one whose name is not known beforehand.
UNBOUND = (
    "redshift:CreateScheduledAction",
    "redshift:DeleteScheduledAction",
    "redshift:DescribeClusterParameters",
    "redshift:DescribeNodeConfigurationOptions",
    "redshift:DescribeOrderableClusterOptions",
    "redshift:ModifyScheduledAction",
    "redshift-serverless:CreateUsageLimit",
    "redshift-serverless:DeleteUsageLimit",
    "redshift-serverless:ListUsageLimits",
    "redshift-serverless:UpdateUsageLimit",
)
# IAM has these names for the calls of AWS Budgets.
BUDGET = {
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "budgets:DescribeSubscribersForNotification": "budgets:ViewBudget",
}
# What AWS asks of the caller on top, each for the sake of a call: no call has its name.
IMPLIED = {
    "ec2:CreateTags": "ec2:CreateSecurityGroup",
    "ec2:DescribeAccountAttributes": "redshift-serverless:CreateWorkgroup",
    "ec2:DescribeAddresses": "redshift:CreateCluster",
    "ec2:DescribeAvailabilityZones": "redshift:CreateCluster",
    "ec2:DescribeInternetGateways": "redshift:CreateCluster",
    "iam:CreateServiceLinkedRole": "redshift:CreateCluster",
    "iam:PassRole": "redshift:CreateCluster",
    "iam:TagRole": "iam:CreateRole",
    "redshift:CreateClusterSnapshot": "redshift:DeleteCluster",
    "redshift:CreateTags": "redshift:CreateCluster",
    "redshift-serverless:CreateSnapshot": "redshift-serverless:DeleteNamespace",
    "redshift-serverless:TagResource": "redshift-serverless:CreateNamespace",
    "secretsmanager:CreateSecret": "redshift:CreateCluster",
    "secretsmanager:DeleteSecret": "redshift:DeleteCluster",
    "secretsmanager:DescribeSecret": "redshift:CreateCluster",
    "secretsmanager:GetRandomPassword": "redshift:CreateCluster",
    "secretsmanager:RotateSecret": "redshift:CreateCluster",
    "secretsmanager:TagResource": "redshift:CreateCluster",
    "secretsmanager:UpdateSecret": "redshift:CreateCluster",
}

# What Redshift does with a KMS key of the user's own, in the caller's name.
KEY = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:RetireGrant")
